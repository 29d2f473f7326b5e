import { AsyncLocalStorage } from "node:async_hooks";
import { AgentError } from "../agent/error.js";
import type { Entry } from "./journal.js";
import type { Work } from "./keeper.js";
import { entryInWords } from "./misfit.js";

/** The step whose work is being done. */
const within = new AsyncLocalStorage<Entry>();

/** Why nothing durable can begin here: it is within the work of a step, which a later Run would not do. Undefined if it can. */
export function nestedWithin(): AgentError | undefined {
  const step = within.getStore();
  if (step === undefined) return undefined;
  const message = `a durable step begins within ${entryInWords(step)}, where a later run would not come to it: begin it beside that step, or after it`;
  return new AgentError(message, { retryable: false });
}

/** Does the work of steps, and knows what is under way of it that must be done once. */
export class StepWork {
  readonly #once = new Set<Promise<unknown>>();

  do(entry: Entry, run: Work["run"], signal: AbortSignal): Promise<unknown> {
    const work = within.run(entry, async () => run(signal));
    if (entry.effect !== "ONCE") return work;
    const over = (): void => void this.#once.delete(work);
    this.#once.add(work);
    work.then(over, over);
    return work;
  }

  /** True while something is being done that must be done once, whatever has become of the Run: nobody can know yet whether it is done. */
  get isActing(): boolean {
    return this.#once.size > 0;
  }

  /** Resolves when nothing is being done any more that must be done once. */
  async done(): Promise<void> {
    for (const work of this.#once) await work.catch(() => {}); // what begins meanwhile is among them
  }
}
