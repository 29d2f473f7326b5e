/** Starts the processes of the demo, collects their stderr, and ends them, and only them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const taskrun = fileURLToPath(new URL("../../bin/taskrun.js", import.meta.url));

/** How much of the end of each process's stderr is kept, to be printed if the demo fails. */
const LINES_KEPT = 15;
/** A process that does not end by itself within this is killed. */
const STOP_MS = 3_000;

/** The environment without the caller's own settings. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TASKRUN_")));

export class Processes {
  #running = [];

  /** `taskrun ...args`, as a process of its own; or another program of ours, with more in its environment. */
  start(name, args, { program = taskrun, more = {} } = {}) {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: root,
      env: { ...env, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const one = { name, child, lines: [] };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        one.lines = [...one.lines, ...text.trimEnd().split("\n")].slice(-LINES_KEPT);
      });
    }
    this.#running.push(one);
    return child;
  }

  /** Ends a process by SIGKILL. */
  kill(name) {
    this.#running.find((one) => one.name === name).child.kill("SIGKILL");
  }

  async stopAll() {
    const ends = this.#running.map(async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const force = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      child.kill("SIGTERM");
      await once(child, "exit");
      clearTimeout(force);
    });
    await Promise.all(ends);
  }

  /** For the end of the process itself, when there is no time to wait. */
  killAll() {
    for (const { child } of this.#running) child.kill("SIGKILL");
  }

  lastWords() {
    return this.#running.map(({ name, lines }) => `--- ${name} said last:\n${lines.join("\n")}`).join("\n");
  }
}

/** Finds free ports of the loopback interface. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Polls every 50 ms until the answer is true, ignoring failures. */
export async function until(what, timeoutMs, ask) {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    if (await Promise.resolve(ask()).catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`);
}
