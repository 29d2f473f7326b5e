import {
  type IsPaused,
  type Staleness,
  type StaleTerms,
  stalenessOf,
  termsWith,
} from "#domain/task/staleness";
import { pausesOver } from "#domain/task/waiting-reason";
import type { TaskDetail } from "#ports/store";
import type { Core } from "./core.js";

/** How a Task stands, and by which terms. */
export interface Assessment {
  /** Undefined if the Task has ended. */
  readonly staleness: Staleness | undefined;
  /** Those of its template, and for what that leaves out the plane's. */
  readonly terms: StaleTerms;
  readonly isPaused: IsPaused;
}

/**
 * How a Task stands now, by the terms and the pauses in force. The only way to ask: the search for stale Tasks and clients are told
 * the same.
 *
 * @param own the plane's terms
 */
export async function assess(
  { clock, memory, store }: Pick<Core, "clock" | "memory" | "store">,
  own: StaleTerms,
  detail: TaskDetail,
): Promise<Assessment> {
  const { template } = detail.task.spec;
  const row = template ? await store.reads.template(template) : undefined;
  const terms = termsWith(own, row?.body.lifecycle);
  const now = clock.now();
  const pauses = memory.pauses.committed.current(now);
  const isPaused: IsPaused = (task, { state, agentName }) =>
    state === "enqueued" && pausesOver(task, agentName, pauses).length > 0;
  return { staleness: stalenessOf(detail, terms, now, isPaused), terms, isPaused };
}
