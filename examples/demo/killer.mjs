import { say } from "./report.mjs";

/** Kills one worker, once, as soon as it is in the middle of a batch of replies. */
export class Killer {
  #processes;
  #draftsSeen;
  #lease;
  #victim;

  constructor(processes, draftsSeen, lease) {
    this.#processes = processes;
    this.#draftsSeen = draftsSeen;
    this.#lease = lease;
  }

  see(workerId, drafts) {
    if (this.#victim || drafts < this.#draftsSeen) return;
    this.#victim = workerId;
    this.#processes.kill(workerId);
    say(
      `\n*** SIGKILL to worker ${workerId}, in the middle of its work. Its lease of ${this.#lease} runs out, then others go on. ***\n`,
    );
  }

  /** The kill must have interrupted a run. */
  verdict(watched) {
    const lost = watched.flatMap(({ title, task }) => {
      const runs = task.runs.filter(
        ({ workerId, reason }) => workerId === this.#victim && reason === "WORKER_LOST",
      );
      return runs.map(() => ({ title, task }));
    });
    const names = lost.map(({ title, task }) => `${title} (completed by ${task.runs.at(-1).workerId})`);
    say(
      `\nWorker ${this.#victim} was killed with ${lost.length} runs that it held, repeated by the other: ${names.join(", ")}`,
    );
    const late = lost.filter(({ task }) => task.runs.at(-1).workerId === this.#victim);
    return [
      ...(lost.length > 0 ? [] : ["the killed worker held no run: there was nothing to recover"]),
      ...late.map(({ title }) => `${title} was completed by the worker that was killed`),
    ];
  }
}
