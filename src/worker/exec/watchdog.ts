import { type ChildProcess, spawn } from "node:child_process";
import type { Log } from "#ports/telemetry";

/**
 * The program of the watchdog: reads `+GROUP` and `-GROUP`, a line each, and at the end of its input, which comes however
 * this process ends, kills the groups that are left. Its text and not a file, so that it also runs from a bundle.
 */
const program = `
process.title = "taskrun-watchdog";
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});
const groups = new Set();
let rest = "";
process.stdin.setEncoding("latin1");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    const group = Number(line.slice(1));
    if (line[0] === "+") groups.add(group);
    else groups.delete(group);
  }
});
const end = () => {
  for (const group of groups) {
    try { process.kill(-group, "SIGKILL"); } catch {}
  }
  process.exit();
};
process.stdin.on("end", end);
process.stdin.on("error", end);
`;

/** The groups that are alive; a new watchdog is told of all of them. */
const groups = new Set<number>();
let watchdog: ChildProcess | undefined;

/**
 * Has a process group killed when this process ends, even by SIGKILL. One more process watches all groups: it is started
 * with the first one, and is not in this process's group, so that a signal to that does not end it too.
 */
export function watchGroup(group: number, log: Log): void {
  groups.add(group);
  try {
    if (watchdog) tell(watchdog, `+${group}\n`);
    else start(log);
  } catch (error) {
    unprotected(log, (error as Error).message);
  }
}

/** Call it once a watched group has been killed: the system may give its number to another process. */
export function unwatchGroup(group: number): void {
  groups.delete(group);
  if (watchdog) tell(watchdog, `-${group}\n`);
}

function tell({ stdin }: ChildProcess, lines: string): void {
  if (stdin?.writable) stdin.write(lines);
}

function start(log: Log): void {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env;
  const child = spawn(process.execPath, ["-e", program], {
    cwd: "/", // it keeps no directory in use
    env,
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watchdog = child;
  const gone = (why: string) => {
    if (watchdog !== child) return;
    watchdog = undefined; // the next program starts another
    unprotected(log, why);
  };
  child.once("error", (error) => gone(error.message));
  child.once("exit", (code, signal) => gone(signal ?? `code ${code}`));
  child.stdin.on("error", () => {});
  // It must not keep this process alive.
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  tell(child, [...groups].map((group) => `+${group}\n`).join(""));
}

function unprotected(log: Log, why: string): void {
  log.warn("programs outlive this process if it is killed: their watchdog does not run", { why });
}
