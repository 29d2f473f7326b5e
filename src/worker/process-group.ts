import type { ChildProcess } from "node:child_process";
import { after } from "./timers.js";

/** Groups that are alive: they must not outlive this process if it ends while they run. */
const alive = new Set<ProcessGroup>();

/** Registered with the first group, and once only. */
let guarded = false;

function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on("exit", () => {
    for (const group of alive) group.kill("SIGKILL");
  });
}

/** A program and all that it starts: one process group, whose leader was spawned `detached`. */
export class ProcessGroup {
  readonly #leader: ChildProcess;
  #clearGrace = (): void => {};

  constructor(leader: ChildProcess) {
    guard();
    this.#leader = leader;
    alive.add(this);
    // Whatever the program leaves behind ends with it. Sent at once, before the number can name another group.
    leader.once("exit", () => {
      this.kill("SIGKILL");
      this.#clearGrace();
      alive.delete(this);
    });
    leader.once("error", () => {
      if (leader.pid === undefined) alive.delete(this);
    });
  }

  /** Asks all of the group to end, and after the grace makes it. */
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
      // ESRCH: nobody left. EPERM: only processes that have changed their user, which are not ours to end.
      if (code !== "ESRCH" && code !== "EPERM") throw error;
    }
  }
}
