import type { ChildProcess } from "node:child_process";
import type { Log } from "#ports/telemetry";
import { after } from "../timers.js";
import { unwatchGroup, watchGroup } from "./watchdog.js";

/** Groups with a running leader; they are killed when this process exits. */
const alive = new Set<ProcessGroup>();

/** True once the exit handler is registered. */
let guarded = false;

function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on("exit", () => {
    for (const group of alive) group.kill("SIGKILL");
  });
}

/**
 * A process group: a program that was spawned `detached`, and its descendants. When the leader exits, the rest of the
 * group is killed; when this process ends, however it does, all of it. Processes that leave the group are not followed.
 */
export class ProcessGroup {
  readonly #leader: ChildProcess;
  #clearGrace = (): void => {};

  constructor(leader: ChildProcess, log: Log) {
    guard();
    this.#leader = leader;
    alive.add(this);
    const { pid } = leader;
    if (pid !== undefined) watchGroup(pid, log);
    // Killed and forgotten at once, before the system can reuse the group's number.
    leader.once("exit", () => {
      this.kill("SIGKILL");
      if (pid !== undefined) unwatchGroup(pid);
      this.#clearGrace();
      alive.delete(this);
    });
    leader.once("error", () => {
      if (leader.pid === undefined) alive.delete(this);
    });
  }

  /** Sends SIGTERM to the group, and SIGKILL after `graceMs` milliseconds. Repeating it restarts the grace period. */
  end(graceMs: number): void {
    if (!alive.has(this)) return;
    this.kill("SIGTERM");
    this.#clearGrace();
    this.#clearGrace = after(graceMs, () => this.kill("SIGKILL"));
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#leader.pid === undefined) return;
    try {
      process.kill(-this.#leader.pid, signal);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // ESRCH: the group is empty. EPERM: what is left has changed its user and cannot be signalled.
      if (code !== "ESRCH" && code !== "EPERM") throw error;
    }
  }
}
