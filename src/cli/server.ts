import type { ServerConfig, SettingName } from "#config/index";
import type { RunningServer } from "#control-plane";
import { Fault } from "#domain/fault";
import { createLog, logPort } from "#host/log";
import type { Log } from "#ports/telemetry";
import { CliError, type ExitCode, exit, toCliError } from "./exit.js";
import type { Io } from "./io.js";
import { line } from "./json.js";
import { loadConfig } from "./settings.js";

export interface ServerOptions {
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly config?: string;
  readonly json?: boolean;
  /** Makes the data usable first, and says what is gone. */
  readonly repair?: boolean;
}

/** `server`: serves until it is told to stop. The first SIGTERM or SIGINT drains, the second ends it at once. */
export async function runServer(options: ServerOptions, io: Io): Promise<ExitCode> {
  const config = loadConfig({ flags: options.flags, env: io.env, cwd: io.cwd, file: options.config });
  const server = await startOrExplain(config, io, options);

  const { grpc, http, warnings } = server;
  const facts = {
    grpc,
    http,
    data: config.data,
    store: config.store,
    ...(warnings.length > 0 && { warnings }),
  };
  const announcement = options.json ? line(facts) : `${describeServer(server, config)}\n`;
  return untilStopped(server, announcement, io);
}

/** `gRPC at A, B; HTTP at C; data in DIR (sqlite)`, and a line for each warning. */
export function describeServer(
  { grpc, http, warnings }: Pick<RunningServer, "grpc" | "http" | "warnings">,
  config: ServerConfig,
): string {
  const listeners = [
    `gRPC at ${grpc.join(", ")}`,
    ...(http.length > 0 ? [`HTTP at ${http.join(", ")}`] : []),
  ];
  const data =
    config.store === "memory"
      ? "data in memory, gone when it stops"
      : `data in ${config.data} (${config.store})`;
  return [
    `taskrun serves ${listeners.join("; ")}; ${data}`,
    ...warnings.map((text) => `warning: ${text}`),
  ].join("\n");
}

/** @throws {CliError} that says which setting to change, if the world is not as the settings say */
export async function startOrExplain(
  config: ServerConfig,
  io: Io,
  options: Pick<ServerOptions, "repair">,
): Promise<RunningServer> {
  const log = logPort(createLog({ level: config.logLevel }));
  try {
    if (options.repair) {
      const { repairData } = await import("#control-plane");
      for await (const what of repairData(config)) log.error(what);
    }
    return await start(config, log);
  } catch (cause) {
    throw explain(cause, config, io);
  }
}

/** Opening a large store takes as long as loading the rest of a server does, and goes on in threads meanwhile. */
async function start(config: ServerConfig, log: Log): Promise<RunningServer> {
  const { serverStore } = await import("#stores/server-store");
  const store = serverStore(config);
  store.open?.().catch(() => undefined); // the plane hears of it as well
  const { startServer } = await import("#control-plane");
  return startServer(config, log, store);
}

function explain(cause: unknown, config: ServerConfig, { self }: Io): CliError {
  const { message = String(cause), code = "", reason = "" } = cause as Partial<NodeJS.ErrnoException & Fault>;
  const facts = `${code} ${reason} ${message}`;
  const say = (text: string, ...next: string[]) => new CliError(exit.failed, text, next, cause);

  if (reason === "TEMPLATES_UNREADABLE") return say(message, "The directory is chosen with --templates DIR.");
  if (/EADDRINUSE|EADDRNOTAVAIL|BIND_FAILED/.test(facts)) {
    return say(
      message,
      "Addresses are chosen with --grpc HOST:PORT and --http HOST:PORT; port 0 is any free one.",
    );
  }
  if (/EACCES|EPERM|EROFS|ENOENT|ENOTDIR|EEXIST|SQLITE_(CANTOPEN|READONLY)/.test(facts)) {
    const advice = "Choose another with --data DIR, or let this user write there.";
    return say(`cannot write to the data directory ${config.data}: ${message}`, advice);
  }
  if (reason === "STORE_LOCKED") return say(message, "The data directory is chosen with --data DIR.");
  return cause instanceof Fault ? say(message) : toCliError(cause, self);
}

/** Announces the server, then waits for a signal or its own end; `besides` is told to leave along with it. */
export async function untilStopped(
  server: RunningServer,
  announcement: string,
  io: Io,
  besides: () => Promise<void> = async () => {},
): Promise<ExitCode> {
  // Heard before it is announced: whoever waits for the line may send a signal right after it.
  const signals = countSignals(io);
  try {
    await io.stdout.write(announcement);
    const failure = await Promise.race([signals.first, server.failed]);
    if (failure)
      throw new CliError(exit.failed, `the server has stopped by itself: ${failure.message}`, [], failure);

    await io.stderr.write("stopping; once more to stop at once\n");
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
