/**
 * Who may import whom. This file is the only place where that is said: `imports.test.ts` makes a
 * dependency-cruiser rule set of it, runs it over `src` and `actors`, and breaks each rule once on purpose.
 *
 * Imports flow only toward `src/domain`. Types count as imports, because a type that leaks binds two layers as
 * surely as a call does, except where a line says `types`.
 */

/** One folder or file, and all that its modules may import beside one another. */
export interface Layer {
  /** Path from the root of the project: a folder without a slash at its end, or one file. */
  readonly path: string;
  /** Layers it may import. */
  readonly layers: readonly string[];
  /** Layers it may import with `import type` only. */
  readonly types?: readonly string[];
  /** Packages it may import. */
  readonly packages: readonly string[];
  /** Whether it may import the built-in modules of Node. */
  readonly node: boolean;
  /** Layers it must not reach even through others, beyond what `layers` says of its own imports. */
  readonly neverReaches?: readonly string[];
  readonly why: string;
}

/** What stays on the server: a client and a worker must load where none of it is wanted. */
const controlPlane = [
  "actors",
  "src/bus",
  "src/runtime",
  "src/stores",
  "src/brokers",
  "src/gateway",
  "src/host",
  "src/cli",
  "src/control-plane.ts",
] as const;

export const layers: readonly Layer[] = [
  {
    path: "src/domain",
    layers: [],
    packages: [],
    node: false,
    why: "The words everything else is written in: were it to import anything, everything would import that too.",
  },
  {
    path: "src/ports",
    layers: ["src/domain"],
    packages: [],
    node: false,
    why: "What the core asks of the world, said in the core's words: an adapter depends on it, never the reverse.",
  },
  {
    path: "actors",
    layers: ["src/domain"],
    packages: ["xstate"],
    node: false,
    why: "A machine is pure: what it wants done is data, so there is nothing it could import to do it.",
  },
  {
    path: "src/bus",
    layers: ["src/domain", "src/ports"],
    packages: [],
    node: false,
    why: "A mailbox bounds and orders messages without knowing what they mean.",
  },
  {
    path: "src/runtime",
    layers: ["src/domain", "src/ports", "src/bus", "actors"],
    packages: ["xstate"],
    node: false,
    why: "The turn reaches stores, time and chance through ports, so the same code runs in virtual time.",
  },
  {
    path: "src/stores",
    layers: ["src/domain", "src/ports"],
    packages: ["libsql"],
    node: true,
    why: "A store keeps rows and decides nothing; the one exported suite is all it has to satisfy.",
  },
  {
    path: "src/brokers",
    layers: ["src/domain", "src/ports"],
    packages: [],
    node: true,
    why: "A broker carries wake-ups that may be lost or doubled; it knows nothing of what is awoken.",
  },
  {
    path: "src/host",
    layers: ["src/domain", "src/ports"],
    packages: ["uuidv7", "pino", "prom-client", "ajv", "ajv-formats", "re2js"],
    node: true,
    why: "Real clock, real chance, real logs, real files and schemas: the adapters that tests replace.",
  },
  {
    path: "src/wire",
    layers: ["src/domain"],
    packages: ["@bufbuild/protobuf"],
    node: false,
    why: "The only place that knows both proto and domain; which transport carries the bytes is not its business.",
  },
  {
    path: "src/templates",
    layers: ["src/domain"],
    packages: ["yaml", "zod"],
    node: true,
    why: "A template is a value: reading, drawing or writing one asks nobody, so it is the same on every side of a wire.",
  },
  {
    path: "src/gateway",
    layers: ["src/domain", "src/ports", "src/bus", "src/wire", "src/templates"],
    types: ["actors", "src/runtime"],
    packages: [
      "@bufbuild/protobuf",
      "@connectrpc/connect",
      "@connectrpc/connect-node",
      "@grpc/grpc-js",
      "zod",
    ],
    node: true,
    neverReaches: ["src/stores", "src/cli"],
    why: "The gateway tells and asks by message and reads through a port: it must not decide, nor touch a row.",
  },
  {
    path: "src/client",
    layers: ["src/domain", "src/ports", "src/wire"],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "zod"],
    node: true,
    neverReaches: [...controlPlane, "src/worker"],
    why: "A client is installed where no control plane runs: it must load, and stay small, without one.",
  },
  {
    path: "src/worker",
    layers: ["src/domain", "src/ports", "src/wire"],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "zod"],
    node: true,
    neverReaches: [...controlPlane, "src/client"],
    why: "A worker is remote, and trusted with nothing but its own runs: it must load without the control plane.",
  },
  {
    path: "src/testing",
    layers: ["src/domain", "src/ports", "src/bus", "src/runtime", "src/stores", "actors"],
    packages: ["xstate", "fast-check"],
    node: true,
    why: "Suites and virtual time, exported for others' adapters: the core without its gateway.",
  },
  {
    path: "src/config.ts",
    layers: ["src/domain"],
    packages: ["zod", "smol-toml"],
    node: true,
    why: "Settings are values; who acts on them is the composition root's business.",
  },
];

/**
 * The composition roots: they may import every layer, because joining the layers is what they are for. Nothing
 * but another of them, and no layer, may import one.
 */
export const compositionRoots: readonly string[] = ["src/index.ts", "src/control-plane.ts", "src/cli"];

/** Generated code, and the only layers that may know its shapes: a domain type stands for it elsewhere. */
export const generated = {
  path: "src/wire/gen",
  importers: ["src/wire", "src/gateway", "src/client", "src/worker"],
} as const;
