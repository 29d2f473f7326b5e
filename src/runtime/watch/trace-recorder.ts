import { isOver } from "#domain/task/run";
import { hasEnded, isTakenOver, type StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { isSampled, traceOf } from "#domain/task/trace";
import { type Instant, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Reads, TaskDetail } from "#ports/store-reads";
import type { Log } from "#ports/telemetry";
import type { Tracing } from "#ports/tracing";
import type { Change, Workspace } from "../memory/workspace.js";

interface TraceRecorderParts {
  readonly tracing: Tracing;
  readonly reads: Reads;
  readonly log: Log;
}

/**
 * Tells what each commit has ended to those who trace. What cannot be told at that moment is read when the Task has ended:
 * spans that a crash may have lost, failed Steps that waited for an operator, and the Task that was retried.
 */
export class TraceRecorder {
  readonly #parts: TraceRecorderParts;
  readonly #reading = new Set<Promise<void>>();
  /** The last instant of the process before this one; NEVER if there was none. */
  #formerEnd: Instant = NEVER;

  constructor(parts: TraceRecorderParts) {
    this.#parts = parts;
  }

  /** Call once, with what the store knew at boot. */
  started(formerEnd: Instant): void {
    this.#formerEnd = formerEnd;
  }

  /** Call after each commit, with the rows of its turn. */
  committed(work: Workspace): void {
    const { tracing } = this.#parts;
    const { tasks, steps, runs } = work.changes;
    for (const { before, after } of runs) {
      if (!isOver(after.status) || (before && isOver(before.status))) continue;
      const task = work.task(after.taskId);
      if (task && isTraced(task)) tracing.runEnded(after, task);
    }
    for (const change of steps) {
      const { after } = change;
      if (!hasEnded(after.state)) continue;
      const task = work.task(after.taskId);
      if (!task || !isTraced(task) || !endsNow(change, task) || isTakenOver(after, task)) continue;
      const reason = after.runId === "" ? "" : (work.run(after.runId)?.reason ?? "");
      tracing.stepEnded(after, task, reason);
    }
    for (const { before, after } of tasks) {
      if (!isTerminal(after.state) || (before && isTerminal(before.state)) || !isTraced(after)) continue;
      this.#taskEnded(after);
    }
  }

  /** Resolves when nothing is being read any more. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all(this.#reading);
  }

  #taskEnded(task: TaskRow): void {
    const { tracing, log } = this.#parts;
    if (!this.#needsReading(task) || this.#reading.size >= limits.tracesRead) {
      tracing.taskEnded(task);
      return;
    }
    const reading = this.#readRest(task)
      .catch((error: unknown) => {
        log.warn("a trace is incomplete: its task could not be read", { taskId: task.id, err: error });
      })
      .finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  #needsReading({ createdAt, spec: { holdOnFailure, retryOf } }: TaskRow): boolean {
    return createdAt <= this.#formerEnd || holdOnFailure || retryOf !== "";
  }

  async #readRest(task: TaskRow): Promise<void> {
    const { tracing, reads } = this.#parts;
    const { retryOf } = task.spec;
    try {
      const detail = await reads.task(task.id);
      if (detail) this.#tellRest(detail);
    } finally {
      const retried = retryOf === "" ? undefined : await reads.task(retryOf).catch(() => undefined);
      tracing.taskEnded(task, retried?.task);
    }
  }

  #tellRest({ task, steps, runs }: TaskDetail): void {
    const { tracing } = this.#parts;
    for (const run of runs) {
      if (isOver(run.status) && this.#mayBeLost(run.finishedAt)) tracing.runEnded(run, task);
    }
    for (const step of steps) {
      const isLost = hasEnded(step.state) && hasBegun(step) && this.#mayBeLost(step.finishedAt);
      if (!isLost && !isHeld(step, task)) continue;
      tracing.stepEnded(step, task, runs.find(({ id }) => id === step.runId)?.reason ?? "");
    }
  }

  /** True if the process before this one may have had no time to send the span. */
  #mayBeLost(finishedAt: Instant): boolean {
    return finishedAt <= this.#formerEnd && finishedAt > this.#formerEnd - limits.spansLost;
  }
}

function isTraced({ spec }: TaskRow): boolean {
  const trace = traceOf(spec);
  return trace !== undefined && isSampled(trace);
}

/** True if the Step has a span, and it ends with this change. */
function endsNow({ before, after }: Change<StepRow>, task: TaskRow): boolean {
  if (isHeld(after, task) || !hasBegun(after)) return false;
  return !before || !hasEnded(before.state) || (before.state === "error" && after.state !== "error");
}

/** True for a failed Step that an operator may try again as long as its Task has not ended: its span may go on. */
function isHeld({ state }: StepRow, { spec }: TaskRow): boolean {
  return state === "error" && spec.holdOnFailure;
}

/** False for a Step that was only cancelled: there is nothing to show. */
function hasBegun({ state, startedAt }: StepRow): boolean {
  return state !== "cancelled" || startedAt !== NEVER;
}
