/**
 * The process of the agents of `taskrun dev`, started by `agents-process.ts`: imports the modules named by its arguments,
 * tells what they export and which files they have imported, and serves the agents when it is told to. Ends when the
 * process of `dev` is gone, however that ended.
 */
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { MessageChannel } from "node:worker_threads";
import { createLog, type LogLevel, logPort } from "#host/log";
import { limits } from "#limits/index";
import { openTracing } from "#tracing/open";
import { serve, type WorkerHandle } from "#worker/index";
import { ExportError, type Exported, importAll } from "./exports.js";
import type { FromAgents, ToAgents } from "./messages.js";

process.on("disconnect", () => process.exit(1));
// Ctrl-C goes to all processes of a terminal; the one of `dev` says when this one is to end.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});

function tell(message: FromAgents): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) return resolve();
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

function tellImports(): void {
  const { port1, port2 } = new MessageChannel();
  port1.on("message", (url: string) => {
    if (url.startsWith("file:")) void tell({ type: "files", paths: [fileURLToPath(url)] });
  });
  port1.unref();
  const hooks = new URL("./import-hooks.js", import.meta.url);
  register(hooks.href, {
    parentURL: import.meta.url,
    data: { port: port2, parent: process.ppid },
    transferList: [port2],
  });
}

async function load(paths: readonly string[]): Promise<Exported> {
  try {
    return await importAll(paths);
  } catch (error) {
    await tell({ type: "broken" });
    setTimeout(() => process.exit(1), limits.devQuiet).unref(); // a module may have made Node go on after an error
    if (!(error instanceof ExportError)) throw error; // Node prints it, with its place in the source
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}

tellImports();
const { agents, workflows } = await load(process.argv.slice(2));
let worker: WorkerHandle | undefined;

async function start({ addr, id, logLevel, otlp }: Extract<ToAgents, { type: "serve" }>): Promise<void> {
  const log = logPort(createLog({ level: logLevel as LogLevel, readable: true }));
  const traces = await openTracing({
    otlp,
    env: process.env,
    service: "taskrun-worker",
    hasAgents: true,
    log,
  });
  try {
    worker = await serve({
      agents,
      addr,
      id,
      handleSignals: false,
      handleUncaught: true,
      log,
      drainMs: Number.POSITIVE_INFINITY,
      onConnected: () => void tell({ type: "connected" }),
    });
    await worker.closed;
  } catch (error) {
    await tell({ type: "refused", message: (error as Error).message });
    process.exit(1);
  }
  await traces?.close();
  process.exit(0);
}

process.on("message", (message: ToAgents) => {
  if (message.type === "serve") return void start(message);
  if (!worker) process.exit(0);
  setTimeout(() => worker?.close(), message.withinMs).unref();
  void worker.drain("a file has changed, or dev ends").catch(() => {});
  void tell({ type: "draining" });
});
await tell({ type: "loaded", agents: agents.map(({ name }) => name), workflows });
