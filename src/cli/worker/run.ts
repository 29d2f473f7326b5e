import { createLog, logPort } from "#host/log";
import type { Log } from "#ports/telemetry";
import { openTracing } from "#tracing/open";
import type { OpenTracing } from "#tracing/options";
import { isHttpUrl } from "#tracing/target";
import { serve, type WorkerHandle } from "#worker/index";
import { type ConnectionOptions, target } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";
import { type AgentSources, gatherAgents } from "./agents.js";

export interface WorkerRunOptions
  extends Pick<ConnectionOptions, "addr" | "ca" | "caPin" | "apiKeyFile" | "data" | "profile">,
    AgentSources {
  readonly id?: string;
  readonly identityDir?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly maxRuns?: number;
  readonly namespace?: readonly string[];
  /** Milliseconds. */
  readonly drain?: number;
  /** Base URL of a collector of traces. */
  readonly otlp?: string;
}

/**
 * `worker`: runs agents until stopped. The first SIGTERM or SIGINT drains, the second ends it at once. Waits for a server
 * that is down, at the start as well as later.
 */
export async function runWorker(options: WorkerRunOptions, io: Io): Promise<ExitCode> {
  const { addr, ca, caPin, apiKey } = await target(io, serverOf(options));
  const agents = await gatherAgents(options, io);
  const { id, identityDir, label, maxRuns, namespace, drain } = options;
  const log = logPort(createLog());
  const traces = await openTraces(options.otlp ?? io.env.TASKRUN_OTLP ?? "", io, log);

  const worker = await begin(() =>
    serve({
      agents,
      addr,
      ...(ca !== undefined && { ca }),
      ...(caPin !== undefined && { caPin }),
      ...(apiKey !== undefined && { apiKey }),
      handleSignals: false,
      handleUncaught: true,
      log,
      ...(id !== undefined && { id }),
      ...(identityDir !== undefined && { identityDir }),
      ...(label !== undefined && { labels: label }),
      ...(maxRuns !== undefined && { maxRuns }),
      ...(namespace !== undefined && { namespaces: namespace }),
      ...(drain !== undefined && { drainMs: drain }),
    }),
  );
  const names = agents.map(({ name }) => name).join(", ");
  try {
    return await untilTold(worker, `${oneLine(`worker ${worker.id} runs ${names} for ${addr}`)}\n`, io);
  } finally {
    await traces?.close();
  }
}

/** The options that say which server is meant; `--namespace` means something else here. */
function serverOf({ addr, ca, caPin, apiKeyFile, data, profile }: WorkerRunOptions): ConnectionOptions {
  const given = { addr, ca, caPin, apiKeyFile, data, profile };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function openTraces(otlp: string, { env }: Io, log: Log): Promise<OpenTracing | undefined> {
  if (otlp !== "" && !isHttpUrl(otlp)) {
    throw new CliError(exit.usage, `--otlp: "${oneLine(otlp)}" is no URL of a collector`, [
      "Write for example --otlp http://localhost:4318",
    ]);
  }
  return openTracing({ otlp, env, service: "taskrun-worker", hasAgents: true, log });
}

async function begin(start: () => Promise<WorkerHandle>): Promise<WorkerHandle> {
  try {
    return await start();
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof TypeError) {
      throw new CliError(exit.usage, cause.message, [], cause);
    }
    throw new CliError(exit.failed, (cause as Error).message, [], cause);
  }
}

/** Prints the announcement, then waits until the worker has disconnected. */
async function untilTold(worker: WorkerHandle, announcement: string, io: Io): Promise<ExitCode> {
  let signals = 0;
  const unhear = io.onSignal((signal) => {
    signals += 1;
    if (signals > 1) return worker.close();
    if (worker.activeRuns > 0) {
      const runs = worker.activeRuns === 1 ? "the run" : `the ${worker.activeRuns} runs`;
      void io.stderr.write(`finishing ${runs} it holds; signal again to stop at once\n`);
    }
    worker.drain(signal).catch(() => {}); // `closed` below rejects likewise
  });

  try {
    await io.stdout.write(announcement);
    await worker.closed;
  } catch (cause) {
    const hint = `Each worker needs an id of its own (--id): letters, digits, and - _ . or :. \`${io.self} worker --help\` lists the options.`;
    throw new CliError(exit.failed, (cause as Error).message, [hint], cause);
  } finally {
    unhear();
  }
  return signals > 1 ? exit.interrupted : exit.ok;
}
