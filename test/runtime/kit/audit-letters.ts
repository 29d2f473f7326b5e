import { closesByItself, type DeadLetterRow } from "#domain/task/dead-letter";
import { isTerminal, type TaskRow } from "#domain/task/task";

/**
 * What is wrong with a Task's dead letter, empty if all is well: a Task that has failed for good has exactly one, of its end, unless it is a
 * Step of another one; one that is held has one of that; one that has gone on or ended well has none that is pending.
 */
export function auditLetter(task: TaskRow, letter: DeadLetterRow | undefined): string[] {
  const { id, state, spec, hasDeadLetter } = task;
  const failed = state === "error" && !spec.parent;
  const wrong = (what: string) => [`task ${id}, ${state}, ${what}`];
  if (hasDeadLetter !== (letter !== undefined))
    return wrong(`${hasDeadLetter ? "says that it has" : "does not say that it has"} a dead letter`);
  if (failed && !letter) return wrong("has no dead letter");
  if (failed && letter && closesByItself(letter.reason))
    return wrong(`has a dead letter of ${letter.reason}`);
  if (state === "blocked_by_failures" && letter?.reason !== "HELD")
    return wrong("has no dead letter of being held");
  const isOver = isTerminal(state) && !failed;
  if (isOver && letter?.status === "PENDING") return wrong("has a dead letter that is pending");
  if (!isTerminal(state) && state !== "blocked_by_failures" && letter?.status === "PENDING") {
    return letter.reason === "STALE" ? [] : wrong(`has a pending dead letter of ${letter.reason}`);
  }
  return [];
}
