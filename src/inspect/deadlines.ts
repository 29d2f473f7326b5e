import { timeouts } from "#actors/definitions";
import { type StepKey, stepKey } from "#domain/id";
import { type DeadlineKind, WHOLE_TASK } from "#domain/task/deadline";
import type { StepRow } from "#domain/task/step";
import { deadlineOf, type TaskRow } from "#domain/task/task";
import { type Instant, later, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";

/** An instant that something waits for, and why. */
export interface ShownDeadline {
  readonly kind: DeadlineKind;
  readonly at: Instant;
}

type ByKind = Readonly<Partial<Record<DeadlineKind, Instant>>>;

/**
 * The deadlines of Tasks and Steps, for their contexts: those that turns have set while somebody looked on, and otherwise
 * what their rows tell. Of more than {@link limits.inspectKnown} Tasks and Steps the oldest are forgotten.
 */
export class Deadlines {
  readonly #set = new Map<string, ByKind>();

  /** Takes over a deadline that was set, or cleared (`at` 0). */
  follow({ taskId, stepName, kind, at }: StepKey & ShownDeadline): void {
    const key = stepKey({ taskId, stepName });
    const { [kind]: _, ...others } = this.#set.get(key) ?? {};
    const kinds: ByKind = at === NEVER ? others : { ...others, [kind]: at };
    this.#set.delete(key);
    if (Object.keys(kinds).length === 0) return;
    this.#set.set(key, kinds);
    if (this.#set.size <= limits.inspectKnown) return;
    for (const oldest of this.#set.keys()) {
      this.#set.delete(oldest);
      break;
    }
  }

  /** Call when nobody looks on any more: what is set from now on is not seen. */
  clear(): void {
    this.#set.clear();
  }

  ofTask(task: TaskRow): readonly ShownDeadline[] {
    const { createdAt, spec } = task;
    const start = spec.startAt > createdAt ? spec.startAt : NEVER;
    const told = { start, timeout: deadlineOf(task) };
    return this.#shown({ taskId: task.id, stepName: WHOLE_TASK }, told, task.state);
  }

  ofStep(step: StepRow): readonly ShownDeadline[] {
    const { taskId, name: stepName, state, nextAttemptAt } = step;
    // The row is exact: a Step that is queued again may have to wait too.
    if (state !== "in_progress") return nextAttemptAt === NEVER ? [] : [{ kind: "retry", at: nextAttemptAt }];
    return this.#shown({ taskId, stepName }, toldBy(step), state);
  }

  #shown(key: StepKey, told: ByKind, state: string): readonly ShownDeadline[] {
    const kinds = Object.entries({ ...told, ...this.#set.get(stepKey(key)) }) as [DeadlineKind, Instant][];
    const isShown = ([kind, at]: (typeof kinds)[number]) =>
      at !== NEVER && (kind === "release" || timeouts[kind].states.includes(state));
    return kinds
      .filter(isShown)
      .map(([kind, at]) => ({ kind, at }))
      .sort((a, b) => a.at - b.at);
  }
}

/** What the row of a Step in progress tells: right if it has begun only once. */
function toldBy({ spec, startedAt, fence }: StepRow): ByKind {
  const { type, delayMs, signal, timeoutMs } = spec;
  if (type === "timer" && delayMs !== undefined) return { timer: later(startedAt, delayMs) };
  if (type === "signal" && signal && signal.timeoutMs > 0)
    return { signal: later(startedAt, signal.timeoutMs) };
  return timeoutMs > 0 && fence === 1 ? { attempt: later(startedAt, timeoutMs) } : {};
}
