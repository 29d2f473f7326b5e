import type { ClientOptions } from "#client/index";
import type { LogLevel } from "#config/index";
import type { Bound } from "#gateway/listeners";
import type { PinoLike } from "#host/given-log";
import type { MetricsRegistry } from "#host/telemetry";
import type { XStateInspect } from "#inspect/observer";
import type { Store } from "#ports/store";
import type { Log } from "#ports/telemetry";
import type { ServeOptions } from "#worker/index";

/**
 * Options of {@link startTaskRun}. All may be left out. Settings that a server has too are named and written as there:
 * a duration is text, for example `"30s"`. Nothing is read from the environment.
 *
 * @example
 * ```ts
 * import { startTaskRun, type TaskRunOptions } from "taskrun";
 *
 * const options: TaskRunOptions = { data: "var/taskrun", templates: "./workflows", retention: "30d" };
 * const taskrun = await startTaskRun(options);
 * ```
 */
export interface TaskRunOptions {
  /**
   * What keeps the Tasks: `sqlite`, which is durable, `memory`, which forgets, the URL of a PostgreSQL database, or a store of
   * yours. Default `sqlite`.
   */
  readonly store?: "sqlite" | "memory" | `postgres://${string}` | `postgresql://${string}` | Store;
  /** The directory of the SQLite store; made if it does not exist. One plane may use it at a time. Default `.taskrun`. */
  readonly data?: string;
  /** Agents to serve at once, as by {@link TaskRun.serve}. Default: none. */
  readonly agents?: ServeOptions["agents"];
  /**
   * Templates to register at the start: the path of a folder, whose files are registered again when they change, or a list
   * of texts in YAML or JSON, of objects with the same keys, and of workflows.
   */
  readonly templates?: string | readonly (string | object)[];
  /** A logger of pino, a `Log` of yours, or the least level that is written to stderr. Default `warn`. */
  readonly log?: PinoLike | Log | LogLevel | "silent";
  /** Where the plane is measured. Default: a registry of its own, which `handler` and `listen` show at `/metrics`. */
  readonly metrics?: {
    /** A registry of prom-client, which then has the metrics of the plane too, until it is stopped. */
    readonly registry?: MetricsRegistry;
  };
  /**
   * Whether Tasks are traced. By default they are if this process has registered a tracer provider of OpenTelemetry before the
   * start; false records nothing. With `otlp`, the base URL of a collector, they are sent there, whether or not it has.
   */
  readonly tracing?: boolean | { readonly otlp: string };
  /**
   * Gets what the plane's actors, Tasks, Steps, Runs and workers are told and do, after each commit: what XState's `createActor`
   * takes as `inspect`, for example `createWebSocketInspector().inspect` of `@statelyai/inspect`, or a function. Default: nobody.
   */
  readonly inspect?: XStateInspect;
  /** True shows it inputs, results and errors too, cut to 4 KiB each. Default false. */
  readonly inspectPayloads?: boolean;
  /** What workers of orchestrator.v1 run, which do not say so. Default: what was asked for by its SubmitTask. */
  readonly orchestratorAgents?: readonly string[];
  /** Defaults of `taskrun.client`, as of `createClient`. */
  readonly client?: Omit<ClientOptions, "addr">;
  /** Milliseconds that {@link TaskRun.stop} gives Runs in this process before they are handed back. Default 20 000. */
  readonly drainMs?: number;
  /** How long an ended Task is kept. Default `7d`. */
  readonly retention?: string;
  /** How long one is kept at least while its dead letter is pending. Default `30d`. */
  readonly deadLetterRetention?: string;
  /**
   * How long ended Tasks of a namespace are kept, or those of it that ended so, in the place of `retention`:
   * `{ research: "90d", "research/COMPLETED": "30d" }`. Default: as all.
   */
  readonly retentionOf?: Readonly<Record<string, string>>;
  /** The directory to which ended Tasks are exported before they are removed; made if it does not exist. Default: none. */
  readonly exportTo?: string;
  /** A file that says what models cost, in TOML. Default: none, and only what agents themselves say of costs is known. */
  readonly prices?: string;
  /** How long a Task may wait for its Steps or a signal before it is stale, and has a dead letter. Default `60m`. */
  readonly staleDependencies?: string;
  /** The same for an attempt whose time has come. Default `30m`. */
  readonly staleRetry?: string;
  /** The same for Steps at work of which no worker is heard. Default `30m`. */
  readonly staleInProcess?: string;
  /** The same for a worker that takes a ready Step. Default `30m`. */
  readonly staleWorker?: string;
  /** The same for an operator, after a failure. Default `24h`. */
  readonly staleHeld?: string;
  /** How long a Task may take in all before it is stale, unless something is ahead of it. Default `24h`. */
  readonly staleLifetime?: string;
  /** How long a worker may be silent before its Runs are lost. Default `30s`. */
  readonly lease?: string;
  /** How often a worker is asked to speak. Default `5s`. */
  readonly heartbeat?: string;
  /** The lease of a worker that speaks the public protocol only. Default `90s`. */
  readonly publicLease?: string;
  /** Whose overrides of a template apply. Default `development`. */
  readonly environment?: string;
  /**
   * What each Task may use that asks for no budget, by its namespace, or by namespace and agent: `{ "default/writer": "tokens:1M,usd:5" }`;
   * `*` is each namespace that is not named. Default: nothing bounds it.
   */
  readonly budgets?: Readonly<Record<string, string>>;
  /**
   * File to which signed checkpoints of the audit log are appended. Default: `audit.checkpoints` in the directory of the SQLite
   * store; with another store there is none.
   */
  readonly auditCheckpoints?: string;
  /** A collector of syslog that is sent them too: `tcp://HOST:PORT` or `udp://HOST:PORT`. */
  readonly auditSyslog?: string;
  /** How long entries of the audit log are kept. Default `365d`. */
  readonly auditRetention?: string;
  /** The wall clock is right at this start, however far it is from what the store remembers. Default false. */
  readonly acceptClock?: boolean;
}

/**
 * Options of {@link TaskRun.serve}: those of `serve` of `taskrun/worker`, without an address, and without handlers of the
 * process, which belongs to the host.
 *
 * @example
 * ```ts
 * import { startTaskRun, type WorkerOptions } from "taskrun";
 * import { agent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const echo = agent({ name: "echo", input: z.looseObject({}), run: async (input) => input });
 * const options: WorkerOptions = { agents: [echo], maxRuns: 4, namespaces: ["research"] };
 * const taskrun = await startTaskRun({ store: "memory" });
 * const worker = await taskrun.serve(options);
 * ```
 */
export type WorkerOptions = Omit<ServeOptions, "addr" | "handleSignals" | "handleUncaught">;

/**
 * Where `TaskRun.listen` listens.
 *
 * @example
 * ```ts
 * import { type ListenOptions, startTaskRun } from "taskrun";
 *
 * const options: ListenOptions = { grpc: "127.0.0.1:50051", http: ["127.0.0.1:8080", "[::1]:8080"] };
 * const taskrun = await startTaskRun();
 * console.log(await taskrun.listen(options));
 * ```
 */
export interface ListenOptions {
  /** Addresses of native gRPC, as `HOST:PORT`; port 0 takes any free one. */
  readonly grpc?: string | readonly string[];
  /** Addresses of HTTP: Connect, gRPC-Web, gRPC, health and metrics. */
  readonly http?: string | readonly string[];
  /**
   * Addresses at which clients of other systems look, as the setting `compat` of a server: `orchestrator`, `tasker` or
   * `tasker-worker` alone, or with `=HOST:PORT`.
   */
  readonly compat?: string | readonly string[];
  /** Host names, in addition to loopback ones, under which the HTTP listeners may be called; `*` allows all. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages on other servers that may call the HTTP listeners, e.g. `https://app.example`. */
  readonly allowedOrigins?: readonly string[];
  /** True allows addresses that other machines can reach, without TLS and authentication. Default false. */
  readonly insecure?: boolean;
  /**
   * `auto` makes an authority and a certificate in the data directory, as `taskrun server --tls auto` does, and renews the
   * certificate. Default `off`.
   */
  readonly tls?: "off" | "auto";
  /** File of a certificate of yours, followed by those that lead to its root, as PEM. Changes are noticed. */
  readonly tlsCert?: string;
  /** File of its key. */
  readonly tlsKey?: string;
  /**
   * Whether callers at these addresses are asked for an API key; `auto`, the default, asks where they speak TLS. The client and the
   * workers of this process are never asked, and neither is who calls a `TaskRun.handler`: its server is yours.
   */
  readonly auth?: "auto" | "on" | "off";
  /** URL of a JWKS, or file of one or of a public key: its issuer's tokens are taken beside API keys. */
  readonly jwtKeys?: string;
  /** What the claim `iss` of these tokens must be. */
  readonly jwtIssuer?: string;
  /** What their claim `aud` must name. */
  readonly jwtAudience?: readonly string[];
  /** The algorithms by which they may be signed. Default `ES256`, `EdDSA` and `RS256`. */
  readonly jwtAlgorithms?: readonly string[];
  /** Which claim says who calls. Default `sub`. */
  readonly jwtPrincipalClaim?: string;
  /** Which claim says as what. Default `role`. */
  readonly jwtRoleClaim?: string;
  /** Roles by the values of that claim. Default: they are the names of roles. */
  readonly jwtRoles?: Readonly<Record<string, string>>;
  /** Which claim names the namespaces. Default `namespaces`. */
  readonly jwtNamespacesClaim?: string;
}

/**
 * Where a plane listens, and what workers and clients need.
 *
 * @example
 * ```ts
 * import { type Listening, startTaskRun } from "taskrun";
 *
 * const taskrun = await startTaskRun();
 * const { grpc, caPin, adminKey }: Listening = await taskrun.listen({ grpc: "127.0.0.1:0", tls: "auto" });
 * console.log(`--addr ${grpc[0]} --ca-pin ${caPin} --api-key-file ${adminKey}`);
 * ```
 */
export interface Listening extends Bound {
  /** The pin of the authority that `tls: "auto"` has made. */
  readonly caPin?: string;
  /** The file of the first API key, of the role `admin`, if callers are asked for one and it is in this data directory. */
  readonly adminKey?: string;
}
