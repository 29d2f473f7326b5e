import { dayOf } from "#domain/namespace-limits";
import type { RunRow } from "#domain/task/run";
import type { TaskRow } from "#domain/task/task";
import { addUsage, NO_USAGE, type Usage } from "#domain/task/usage";
import type { Instant } from "#domain/time/time";
import type { UsageSum } from "#ports/usage-sums";
import type { Journal } from "./journal.js";

/** The Run with what it has used besides. */
export function withRunUsage(run: RunRow, used: Usage): RunRow {
  return { ...run, usage: addUsage(run.usage ?? NO_USAGE, used) };
}

/** What changes in a Task for which something was used. */
export function taskUsage(
  { usage = NO_USAGE, lateUsage = NO_USAGE }: Pick<TaskRow, "usage" | "lateUsage">,
  { used, isLate }: { readonly used: Usage; readonly isLate: boolean },
): Pick<TaskRow, "usage" | "lateUsage"> {
  return { usage: addUsage(usage, used), ...(isLate && { lateUsage: addUsage(lateUsage, used) }) };
}

/** What a turn adds to the sums of what was used. Every change goes through the journal. */
export class UsageWrites {
  readonly #journal: Journal;
  readonly #sums = new Map<string, UsageSum>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  add(
    { namespace, agentName }: Pick<RunRow, "namespace" | "agentName">,
    model: string,
    used: Usage,
    at: Instant,
  ) {
    const day = dayOf(at);
    const key = JSON.stringify([namespace, day, agentName, model]);
    const sum = addUsage(this.#sums.get(key)?.used ?? NO_USAGE, used);
    this.#journal.set(this.#sums, key, { day, namespace, agentName, model, used: sum });
  }

  /** Each key once; undefined if nothing was used. */
  toCommit(): readonly UsageSum[] | undefined {
    return this.#sums.size === 0 ? undefined : [...this.#sums.values()];
  }
}
