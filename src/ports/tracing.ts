import type { TaskId } from "#domain/id";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow, TaskSpec } from "#domain/task/task";
import type { TraceContext } from "#domain/task/trace";

/**
 * A Task that is about to be created, for the decision whether it is traced.
 *
 * @example
 * ```ts
 * import type { NewTrace } from "taskrun/ports/tracing";
 *
 * function isDemo({ agentName }: NewTrace): boolean {
 *   return agentName === "demo";
 * }
 * ```
 */
export interface NewTrace extends Pick<TaskSpec, "agentName" | "template"> {
  readonly id: TaskId;
}

/**
 * Records spans of Tasks, Steps and Runs. Each is recorded once it has ended and its end is committed, from its row and with
 * the times in it, so that no span is lost with the process in which it began. Only those of sampled traces are told.
 *
 * No method may throw or wait.
 *
 * @example A plane that names every slow Run of a sampled trace
 * ```ts
 * import type { Tracing } from "taskrun/ports/tracing";
 *
 * const slowRuns: Pick<Tracing, "runEnded"> = {
 *   runEnded: ({ id, createdAt, finishedAt }) => {
 *     if (finishedAt - createdAt > 60_000) console.log(id);
 *   },
 * };
 * ```
 */
export interface Tracing {
  /**
   * Decides whether a new Task is sampled.
   *
   * @param parent the span of the client; undefined if it sent none, so that the Task begins a trace of its own
   * @returns the `traceparent` that the Task keeps: the decision holds for all that follows from it
   */
  begin(task: NewTrace, parent: TraceContext | undefined): string;
  /** @param retried the Task of which it is a retry, if there is one and it is known */
  taskEnded(task: TaskRow, retried?: TaskRow): void;
  /** @param reason of its last Run; empty if there is none */
  stepEnded(step: StepRow, task: TaskRow, reason: string): void;
  runEnded(run: RunRow, task: TaskRow): void;
}
