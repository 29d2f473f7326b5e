/**
 * Who may import whom. This file is the only place where that is said: `imports.test.ts` makes a
 * dependency-cruiser rule set of it, runs it over `src` and `actors`, and breaks each rule once on purpose. The code
 * map in `src/README.md` is made of it (`npm run docs`).
 *
 * Imports flow only toward `src/domain` and the bounds in `src/limits`. Types count as imports, because a type that leaks binds two layers as
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
  /** What is in it, for the code map in `src/README.md`. */
  readonly says: string;
  readonly why: string;
}

/** What stays on the server: a client and a worker must load where none of it is wanted. */
const controlPlane = [
  "actors",
  "src/bus",
  "src/runtime",
  "src/stores",
  "src/brokers",
  "src/api",
  "src/gateway",
  "src/host",
  "src/cli",
  "src/control-plane.ts",
  "src/plane-settings.ts",
  "src/server.ts",
  "src/edge.ts",
  "src/embedded",
  "src/tracing",
] as const;

export const layers: readonly Layer[] = [
  {
    path: "src/limits",
    layers: ["src/domain/time/time.ts"],
    packages: [],
    node: false,
    says: "every bound, by section, with its reason",
    why: "Bounds are numbers with their reasons: whoever keeps one may read it, on every side of a wire.",
  },
  {
    path: "src/domain",
    layers: ["src/limits"],
    packages: [],
    node: false,
    says: "rows and their kinds, ids, time, faults, retry: types and small pure functions",
    why: "The words everything else is written in: were it to import more than the bounds, everything would import that too.",
  },
  {
    path: "src/ports",
    layers: ["src/domain", "src/limits"],
    packages: [],
    node: false,
    says: "what is outside: store (its turns, reads, maintenance), clock, entropy, telemetry, schemas; and the plane as use cases see it",
    why: "What the core asks of the world, said in the core's words: an adapter depends on it, never the reverse.",
  },
  {
    path: "actors",
    layers: ["src/domain", "src/limits"],
    packages: ["xstate"],
    node: false,
    says: "the decisions: pure machines, and the commands they may ask for",
    why: "A machine is pure: what it wants done is data, so there is nothing it could import to do it.",
  },
  {
    path: "src/bus",
    layers: ["src/domain", "src/limits", "src/ports"],
    packages: [],
    node: false,
    says: "bounded mailboxes, one per actor",
    why: "A mailbox bounds and orders messages without knowing what they mean.",
  },
  {
    path: "src/runtime",
    layers: ["src/domain", "src/limits", "src/ports", "src/bus", "actors"],
    packages: ["xstate"],
    node: false,
    says: "the turn, memory, timers, streams' leases, watchers",
    why: "The turn reaches stores, time and chance through ports, so the same code runs in virtual time.",
  },
  {
    path: "src/inspect",
    layers: ["src/domain", "src/limits", "src/ports", "actors"],
    packages: ["@dagrejs/dagre", "ws", "xstate"],
    node: true,
    neverReaches: ["src/runtime"],
    says: "what turns publish, as events of `@statelyai/inspect`: for its servers, for viewers, for `inspect` of XState",
    why: "A viewer is told what was committed, and can tell the plane nothing: it knows the plane only by what that publishes.",
  },
  {
    path: "src/stores",
    layers: ["src/domain", "src/limits", "src/ports"],
    packages: ["libsql", "pg"],
    node: true,
    says: "`memory` (the reference), `sqlite` (durable), `postgres` (for several machines); `caching-store`, which keeps what was lately committed at hand; all by `domain/row-kinds.ts`",
    why: "A store keeps rows and decides nothing; the one exported suite is all it has to satisfy.",
  },
  {
    path: "src/brokers",
    layers: ["src/domain", "src/limits", "src/ports", "src/stores"],
    packages: [],
    node: true,
    says: "what carries wakes between nodes: `local` within a process, `postgres` by LISTEN and NOTIFY",
    why: "A broker carries what it does not understand; the one for PostgreSQL opens connections as the store does.",
  },
  {
    path: "src/host",
    layers: ["src/domain", "src/files", "src/limits", "src/ports"],
    packages: [
      "uuidv7",
      "pino",
      "prom-client",
      "ajv",
      "ajv-formats",
      "re2js",
      "@peculiar/x509",
      "reflect-metadata",
      "jose",
      "smol-toml",
    ],
    node: true,
    says: "the real clock, entropy, log, metrics and JSON Schema; the folder of templates; certificates; tokens",
    why: "Real clock, real chance, real logs, real files and schemas: the adapters that tests replace.",
  },
  {
    path: "src/wire",
    layers: ["src/domain", "src/limits"],
    packages: ["@bufbuild/protobuf"],
    node: false,
    says: "proto ↔ domain, faults ↔ codes: the only place that knows both",
    why: "The only place that knows both proto and domain; which transport carries the bytes is not its business.",
  },
  {
    path: "src/standard-schema",
    layers: ["src/domain"],
    packages: ["zod"],
    node: true,
    says: "schemas of the user's own library: their types, their checks, and the JSON Schema that they give",
    why: "Agents and workflows take schemas of any library by what all have in common, so that no public type names one.",
  },
  {
    path: "src/templates",
    layers: ["src/domain", "src/limits", "src/standard-schema"],
    packages: ["yaml", "zod"],
    node: true,
    says: "the language of templates: reading, checking, drawing, and writing them in TypeScript",
    why: "A template is a value: reading, drawing or writing one asks nobody, so it is the same on every side of a wire.",
  },
  {
    path: "src/api",
    layers: ["src/domain", "src/limits", "src/ports", "src/templates"],
    packages: ["zod"],
    node: true,
    neverReaches: ["src/wire", "src/runtime", "src/stores", "src/gateway", "actors"],
    says: "what requests mean, one use case a file, in no protocol's words; who may do what: `authorize.ts`",
    why: "What a request means is the same in every protocol: a mount maps to it, and it knows no mount.",
  },
  {
    path: "src/gateway",
    layers: ["src/domain", "src/limits", "src/ports", "src/bus", "src/wire", "src/templates", "src/api"],
    types: ["actors", "src/inspect", "src/runtime"],
    packages: [
      "@bufbuild/protobuf",
      "@connectrpc/connect",
      "@connectrpc/connect-node",
      "@grpc/grpc-js",
      "zod",
    ],
    node: true,
    neverReaches: ["src/stores", "src/cli"],
    says: "one table of handlers that map protobuf to use cases, mounted by every protocol; what peers may hold",
    why: "The gateway maps protocols to use cases, and bounds what peers may hold: it must not decide, nor touch a row.",
  },
  {
    path: "src/files",
    layers: [],
    packages: [],
    node: true,
    says: "files that only their user may read, written whole or not at all",
    why: "A server and a worker keep keys in files alike, and neither may load the other.",
  },
  {
    path: "src/transport",
    layers: ["src/domain", "src/limits"],
    packages: ["@connectrpc/connect", "@connectrpc/connect-node", "@opentelemetry/api"],
    node: true,
    says: "how a program reaches a server: addresses, and the connections to one",
    why: "Clients, workers and the command line must read an address alike, and fail alike when it answers nothing.",
  },
  {
    path: "src/client",
    layers: ["src/domain", "src/limits", "src/ports", "src/transport", "src/wire"],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "zod"],
    node: true,
    neverReaches: [...controlPlane, "src/worker"],
    says: "what a program imports that talks to a server; never the plane, not even transitively",
    why: "A client is installed where no control plane runs: it must load, and stay small, without one.",
  },
  {
    path: "src/worker",
    layers: [
      ...["src/domain", "src/files", "src/limits", "src/ports", "src/standard-schema"],
      ...["src/transport", "src/wire"],
    ],
    packages: [
      "@bufbuild/protobuf",
      "@connectrpc/connect",
      "@connectrpc/connect-node",
      "@opentelemetry/api",
      "@peculiar/x509",
      "reflect-metadata",
      "zod",
    ],
    node: true,
    neverReaches: [...controlPlane, "src/client"],
    says: "what a program imports that runs agents; never the plane either",
    why: "A worker is remote, and trusted with nothing but its own runs: it must load without the control plane.",
  },
  {
    path: "src/sdk",
    layers: ["src/client", "src/worker"],
    packages: [],
    node: false,
    neverReaches: [...controlPlane],
    says: 'what `import "@taskrun/sdk"` gives: both SDKs at once; `sdk/pack.mjs` packs them without the server',
    why: "The package of the SDKs is installed where no server is.",
  },
  {
    path: "src/tracing",
    layers: ["src/domain", "src/limits", "src/ports"],
    packages: [
      "@opentelemetry/api",
      "@opentelemetry/exporter-trace-otlp-http",
      "@opentelemetry/resources",
      "@opentelemetry/sdk-trace-node",
    ],
    node: true,
    says: "traces by OpenTelemetry, loaded only if they are wanted: spans of rows that have ended",
    why: "The only place that loads an SDK of OpenTelemetry: whoever wants no traces pays nothing for them.",
  },
  {
    path: "src/config",
    layers: ["src/domain", "src/limits"],
    packages: ["zod"],
    node: true,
    says: "the settings of a server, by section, each with its range, its default and its help",
    why: "Settings are values; who acts on them is the composition root's business.",
  },
];

/**
 * The composition roots: they may import every layer, because joining the layers is what they are for. Nothing
 * but another of them, and no layer, may import one.
 */
export const roots: readonly { readonly path: string; readonly says: string }[] = [
  { path: "src/index.ts", says: 'what `import "taskrun"` gives: a server or a plane to embed' },
  { path: "src/control-plane.ts", says: "joins a plane of its ports" },
  {
    path: "src/plane-settings.ts",
    says: "what settings say of a plane, for a server and an embedded one alike",
  },
  { path: "src/server.ts", says: "joins a plane, its gateway and what looks after both to a server" },
  { path: "src/edge.ts", says: "its listeners, and whom they ask for a credential" },
  {
    path: "src/embedded",
    says: "joins a plane, its client and its workers in a process of somebody else's: `startTaskRun`",
  },
  { path: "src/cli", says: "the command line" },
  {
    path: "src/testing",
    says: "for users: an agent without a plane, a plane in virtual time; for adapters: the suites of stores and brokers, virtual time, transcripts",
  },
];
export const compositionRoots: readonly string[] = roots.map(({ path }) => path);

/** Generated code, and the only layers that may know its shapes: a domain type stands for it elsewhere. */
export const generated = {
  path: "src/wire/gen",
  importers: ["src/wire", "src/gateway", "src/client", "src/worker"],
} as const;
