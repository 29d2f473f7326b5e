import type { RunId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { type StepState, stepStates } from "#domain/task/step";
import { countOf, type TaskRow, type TaskStatus, taskStatus } from "#domain/task/task";
import { type TaskProgress, TaskStatus as WireStatus } from "#wire/gen/orchestrator/v1/orchestrator_pb";

/** The event of an agent that tells how far it is, by `percent` and `message` in its metadata. */
export const PROGRESS_EVENT = "progress";

const statusToWire: Readonly<Record<TaskStatus, WireStatus>> = {
  PENDING: WireStatus.PENDING,
  RUNNING: WireStatus.RUNNING,
  COMPLETED: WireStatus.COMPLETED,
  FAILED: WireStatus.FAILED,
  CANCELLED: WireStatus.CANCELLED,
};

const done: ReadonlySet<StepState> = new Set(["complete", "resolved_manually"]);

/**
 * The progress of one Task, from its log: a message for each state of the Task, for each Step that is done, and for each event
 * by which an agent says how far it is. Percent is of Steps done, those in progress counting by what their agents have said;
 * it falls if a Step is tried again.
 */
export class ProgressReader {
  readonly #task: TaskRow;
  readonly #total: number;
  /** How far each Step is, from 0 to 1; absent if it has not begun. */
  readonly #shares = new Map<string, number>();
  /** The newest Run of each Step, and whose each is. */
  readonly #newest = new Map<string, RunId>();
  readonly #stepOf = new Map<RunId, string>();
  #row: Pick<TaskRow, "state" | "hasRun">;

  constructor(task: TaskRow) {
    this.#task = task;
    this.#total = countOf(task.counts, ...stepStates);
    this.#row = { state: "pending", hasRun: false };
  }

  /** What the entry is told as; undefined if it tells nothing of progress. */
  read(entry: LogEntry): TaskProgress | undefined {
    switch (entry.type) {
      case "task": {
        const { state, hasRun, warning, errorMessage } = entry;
        this.#row = { state, hasRun };
        // Between two Steps, and never for longer than a commit.
        if (state === "evaluating_results") return undefined;
        return this.#say(entry, warning ?? (errorMessage || state.replaceAll("_", " ")));
      }
      case "step": {
        const { name, state } = entry.step;
        const isDone = done.has(state);
        if (isDone) this.#shares.set(name, 1);
        return isDone ? this.#say(entry, `step ${name} is done`) : undefined;
      }
      case "run":
        this.#begin(entry.run.id, entry.run.stepName);
        return undefined;
      case "event":
        return entry.name === PROGRESS_EVENT ? this.#told(entry) : undefined;
      default:
        return undefined;
    }
  }

  /** A new Run of a Step begins it anew. */
  #begin(runId: RunId, stepName: string): void {
    if (this.#stepOf.has(runId)) return;
    const before = this.#newest.get(stepName);
    if (before !== undefined) this.#stepOf.delete(before);
    this.#newest.set(stepName, runId);
    this.#stepOf.set(runId, stepName);
    this.#shares.set(stepName, 0);
  }

  #told(entry: LogEntry & { type: "event" }): TaskProgress | undefined {
    const { percent, message = "" } = entry.metadata;
    const share = Number(percent ?? Number.NaN) / 100;
    const step = this.#stepOf.get(entry.runId);
    if (step !== undefined && share >= 0) this.#shares.set(step, Math.min(share, 1));
    return this.#say(entry, message);
  }

  #say({ at }: LogEntry, message: string): TaskProgress {
    const status = taskStatus(this.#row);
    return {
      $typeName: "orchestrator.v1.TaskProgress",
      taskId: this.#task.id,
      status: statusToWire[status],
      progressPercent: status === "COMPLETED" ? 100 : this.#percent,
      message,
      timestamp: BigInt(Math.floor(at / 1_000)),
    };
  }

  get #percent(): number {
    let sum = 0;
    for (const share of this.#shares.values()) sum += share;
    const total = Math.max(this.#total, this.#shares.size, 1);
    return Math.min(Math.floor((100 * sum) / total), 100);
  }
}
