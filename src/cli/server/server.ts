import { ConfigError, exposedBy, hasAuth, hasTls, type ServerConfig, type SettingName } from "#config/index";
import { Fault } from "#domain/fault";
import { isPostgresUrl, withoutPassword } from "#domain/postgres-url";
import type { InForce } from "#host/audit/changes";
import { createLog, logPort } from "#host/log";
import type { Plane } from "#ports/plane";
import type { Store } from "#ports/store";
import type { Log } from "#ports/telemetry";
import type { RunningServer } from "#server";
import { CliError, type ExitCode, exit, toCliError } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { sanitize } from "../terminal/sanitizer.js";
import { loadConfig } from "./settings.js";

export interface ServerOptions {
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly config?: string;
  readonly json?: boolean;
  /** Repairs the data first, and logs what is lost. */
  readonly repair?: boolean;
}

/** `server`: serves until stopped. The first SIGTERM or SIGINT drains, the second ends the process. */
export async function runServer(options: ServerOptions, io: Io): Promise<ExitCode> {
  const config = loadConfig({ flags: options.flags, env: io.env, cwd: io.cwd, file: options.config });
  const server = await startOrExplain(config, io, options);

  const { grpc, http, compat, warnings, isTls, caPin, adminKey } = server;
  const facts = {
    grpc,
    http,
    ...(compat && { compat }),
    ...(isTls && { tls: true }),
    ...(caPin && { caPin }),
    ...(adminKey && { adminKey }),
    ...(isPostgresUrl(config.store) ? {} : { data: config.data }),
    store: withoutPassword(config.store),
    ...(warnings.length > 0 && { warnings }),
  };
  const announcement = options.json ? line(facts) : `${describeServer(server, config)}\n`;
  return untilStopped(server, announcement, io);
}

type Described = Pick<
  RunningServer,
  "grpc" | "http" | "compat" | "warnings" | "isTls" | "caPin" | "adminKey"
>;

/** Formats `gRPC at A, B; HTTP at C; data in DIR (sqlite)`, and lines for what clients need and for warnings. */
export function describeServer(
  { grpc, http, compat = {}, warnings, isTls, caPin, adminKey }: Described,
  config: ServerConfig,
): string {
  const listeners = [
    `gRPC at ${grpc.join(", ")}`,
    ...(http.length > 0 ? [`HTTP at ${http.join(", ")}`] : []),
    ...Object.entries(compat).map(([name, addresses]) => `${name} at ${addresses.join(", ")}`),
  ];
  const data = describeData(config);
  const lines = [
    `taskrun serves ${listeners.join("; ")}${isTls ? "; TLS" : ""}; ${data}`,
    ...(hasAuth(config)
      ? [`callers are asked for an API key${adminKey ? `; the first one is in ${adminKey}` : ""}`]
      : []),
    ...(caPin ? [`workers and clients: --ca-pin ${caPin}`] : []),
    ...warnings.map((text) => `warning: ${text}`),
  ];
  return sanitize(lines.join("\n"));
}

/** `dev` is for one machine, whose worker and commands use the loopback. @throws {ConfigError} */
export function refuseTls(config: ServerConfig): void {
  if (hasTls(config)) throw new ConfigError("tls: dev serves this machine alone, in plaintext; run `server`");
}

function describeData({ store, data }: Pick<ServerConfig, "store" | "data">): string {
  if (store === "memory") return "data in memory, lost when it stops";
  return isPostgresUrl(store) ? `data in ${withoutPassword(store)}` : `data in ${data} (${store})`;
}

/** What `dev` puts around the parts of its server. */
export interface Development {
  readonly store?: (store: Store) => Store;
  readonly plane?: (plane: Plane) => Plane;
}

/** Starts the server. @throws {CliError} naming the setting to change, if the start fails because of one */
export async function startOrExplain(
  config: ServerConfig,
  io: Io,
  options: Pick<ServerOptions, "repair">,
  development: Development = {},
): Promise<RunningServer> {
  const base = exposedBy(config).length > 0 ? { insecure: true } : {};
  const log = logPort(createLog({ level: config.logLevel, base }));
  try {
    return await start(config, log, development, options.repair ? [await repair(config, log)] : []);
  } catch (cause) {
    throw explain(cause, config, io);
  }
}

/** Repairs the data, and says in the log what is lost. @returns what the audit log is told */
async function repair(config: ServerConfig, log: Log): Promise<InForce> {
  const { repairData } = await import("#stores/shared/server-store");
  let count = 0;
  let first = "";
  for await (const what of repairData(config)) {
    log.error(what);
    count += 1;
    first ||= what;
  }
  const detail = count === 0 ? "nothing is lost" : `${count} findings: ${first}`;
  return { action: "store.repair", object: "store", detail };
}

/** Opens the store, in a thread, while the rest of the server is loaded. */
async function start(
  config: ServerConfig,
  log: Log,
  { store: aroundStore, plane }: Development,
  done: readonly InForce[],
): Promise<RunningServer> {
  const { serverStore } = await import("#stores/shared/server-store");
  const plain = serverStore(config);
  const store = aroundStore ? aroundStore(plain) : plain;
  store.open?.().catch(() => undefined); // the plane reports the error
  const { startServer } = await import("#server");
  return startServer(config, log, store, plane, done);
}

function explain(cause: unknown, config: ServerConfig, { self }: Io): CliError {
  const { message = String(cause), code = "", reason = "" } = cause as Partial<NodeJS.ErrnoException & Fault>;
  const facts = `${code} ${reason} ${message}`;
  const say = (text: string, ...next: string[]) => new CliError(exit.failed, text, next, cause);

  if (isPostgresUrl(config.store) && reason.startsWith("STORE_")) return say(message);
  if (reason === "TEMPLATES_UNREADABLE") return say(message, "Choose the directory with --templates DIR.");
  if (reason === "TLS_UNREADABLE" || reason === "KEYS_NOT_PRIVATE") return say(message);
  if (message.startsWith("compat ")) {
    return say(message, "Choose addresses with --compat NAME=HOST:PORT; port 0 is any free one.");
  }
  if (/EADDRINUSE|EADDRNOTAVAIL|BIND_FAILED/.test(facts)) {
    return say(
      message,
      "Choose addresses with --grpc HOST:PORT and --http HOST:PORT; port 0 is any free one.",
    );
  }
  if (/EACCES|EPERM|EROFS|ENOENT|ENOTDIR|EEXIST|SQLITE_(CANTOPEN|READONLY)/.test(facts)) {
    const advice = "Choose another one with --data DIR, or let this user write there.";
    return say(`cannot write to the data directory ${config.data}: ${message}`, advice);
  }
  if (reason === "STORE_LOCKED") return say(message, "Choose another data directory with --data DIR.");
  return cause instanceof Fault ? say(message) : toCliError(cause, self);
}

/** Prints the announcement, waits for a signal or the server's failure, and stops it; calls `besides` first. */
export async function untilStopped(
  server: Pick<RunningServer, "failed" | "stop">,
  announcement: string,
  io: Io,
  besides: () => Promise<void> = async () => {},
): Promise<ExitCode> {
  // Handlers come first: whoever waits for the announcement may send a signal right after it.
  const signals = countSignals(io);
  try {
    await io.stdout.write(announcement);
    const failure = await Promise.race([signals.first, server.failed]);
    if (failure instanceof CliError) {
      await besides().then(() => server.stop());
      throw failure;
    }
    if (failure) throw new CliError(exit.failed, `the server has failed: ${failure.message}`, [], failure);

    await io.stderr.write("stopping; signal again to stop at once\n");
    const stopped = besides().then(() => server.stop());
    const atOnce = await Promise.race([stopped.then(() => false), signals.second.then(() => true)]);
    return atOnce ? exit.interrupted : exit.ok;
  } finally {
    signals.end();
  }
}

interface Signals {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
  end(): void;
}

function countSignals(io: Io): Signals {
  let heard: (() => void)[] = [];
  const first = new Promise<void>((resolve) => heard.push(resolve));
  const second = new Promise<void>((resolve) => heard.push(resolve));
  const end = io.onSignal(() => {
    heard[0]?.();
    heard = heard.slice(1);
  });
  return { first, second, end };
}
