import type { Instant, Millis } from "../time/time.js";
import { type TaskRow, type TaskStatus, taskStatus } from "./task.js";

export const endedStatuses = ["COMPLETED", "FAILED", "CANCELLED"] as const satisfies TaskStatus[];
export type EndedStatus = (typeof endedStatuses)[number];

/** Which Tasks a rule of retention is about; one with a status goes before one without. */
export interface RetentionScope {
  readonly namespace: string;
  /** Absent: however they ended. */
  readonly status?: EndedStatus;
}

/** How long ended Tasks of a scope are kept. */
export type RetentionRule = RetentionScope & { readonly keep: Millis };

/** What may be removed at a moment: Tasks that finished before the instant of their scope, or before `before` if they are of none. */
export interface RetentionTerms {
  readonly before: Instant;
  readonly rules: readonly (RetentionScope & { readonly before: Instant })[];
  /** A Task is kept while its dead letter is pending, if that was made then or later. Default: however old it is. */
  readonly pendingSince?: Instant;
}

/** True if the Task finished long enough ago. */
export function isDue(
  task: Pick<TaskRow, "namespace" | "state" | "hasRun" | "finishedAt">,
  terms: RetentionTerms,
): boolean {
  const status = taskStatus(task);
  const ofNamespace = terms.rules.filter(({ namespace }) => namespace === task.namespace);
  const rule =
    ofNamespace.find((each) => each.status === status) ??
    ofNamespace.find((each) => each.status === undefined);
  return task.finishedAt < (rule ?? terms).before;
}

/** No Task that finished at this instant or later is due. */
export function latestOf({ before, rules }: RetentionTerms): Instant {
  return rules.reduce((latest, rule) => (rule.before > latest ? rule.before : latest), before);
}

/** The terms without rules. */
export function termsOf(given: Instant | RetentionTerms): RetentionTerms {
  return typeof given === "number" ? { before: given, rules: [] } : given;
}
