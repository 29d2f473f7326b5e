import { dirname, relative } from "node:path";
import { createLog, logPort } from "#host/log";
import type { RunningServer } from "#server";
import { serve } from "#worker/index";
import type { ExitCode } from "../exit.js";
import { colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";
import { builtIn } from "../worker/agents.js";
import { devKey } from "./dev-key.js";
import { describeServer, refuseTls, type ServerOptions, startOrExplain, untilStopped } from "./server.js";
import { loadConfig } from "./settings.js";

/** `dev`: runs a server and a worker with the built-in agents in one process, and prints commands to try. */
export async function runDev(options: ServerOptions, io: Io): Promise<ExitCode> {
  const { flags, config: file } = options;
  // Log entries about sessions would hide the hints.
  const config = loadConfig({ flags, env: io.env, cwd: io.cwd, file, defaults: { "log-level": "warn" } });
  refuseTls(config);
  const server = await startOrExplain(config, io, options);
  const [addr = ""] = server.grpc;

  const apiKey = await devKey(server, config, io);

  let say = () => {};
  const connected = new Promise<void>((resolve) => {
    say = resolve;
  });
  const worker = await serve({
    agents: builtIn,
    addr: `http://${addr}`,
    ...(apiKey && { apiKey }),
    id: "dev",
    handleSignals: false,
    handleUncaught: true,
    log: logPort(createLog({ level: config.logLevel })),
    onConnected: () => say(),
  });
  worker.closed.catch(() => {}); // a refusal is logged; the server continues without a worker
  await Promise.race([connected, worker.closed, server.failed]);

  const announcement = `${describeServer(server, config)}\n${hints(addr, server, io)}`;
  return untilStopped(server, announcement, io, () => worker.drain());
}

function hints(addr: string, { adminKey }: RunningServer, io: Io): string {
  const { bold, dim } = colorsFor(io.stdout, io);
  const there = /^(127\.0\.0\.1|\[::1\]|localhost):50051$/.test(addr) ? "" : ` --addr ${oneLine(addr)}`;
  const to = adminKey ? `${there} --data ${oneLine(relative(io.cwd, dirname(adminKey)) || ".")}` : there;
  const names = builtIn.map(({ name }) => name).join(" and ");
  const commands = [
    `${io.self} task create${to} --agent support_triage --input '{"query": "I was charged twice"}' --watch`,
    `${io.self} task create${to} --agent repo_report --input '{"path": "."}' --watch`,
    `${io.self} task list${to}`,
  ];
  const lines = commands.map((command) => `  ${bold(command)}\n`).join("");
  return `A worker runs ${names}.\n\nTry, in another terminal, in this folder:\n${lines}${dim("Ctrl-C stops both.")}\n`;
}
