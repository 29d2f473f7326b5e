import type { TaskId } from "#domain/id";
import type { Deadline } from "#domain/task/deadline";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Store } from "#ports/store";
import type { Commit } from "#ports/store-turns";

/** A Task as the last commit left it. */
export interface BookedTask {
  readonly row: TaskRow;
  /** Its place in the order of creation, from 1, by which people name it. */
  readonly number: number;
  readonly steps: ReadonlyMap<string, StepRow>;
  /** When something is due, by kind and Step. */
  readonly deadlines: ReadonlyMap<string, Deadline>;
}

interface Booked extends BookedTask {
  row: TaskRow;
  readonly steps: Map<string, StepRow>;
  readonly deadlines: Map<string, Deadline>;
}

/** Every Task of a plane as it was committed, so that a test learns at once what each of them waits for. */
export class Book {
  readonly #tasks = new Map<TaskId, Booked>();
  readonly #runs = new Map<string, RunRow>();

  of(taskId: string): BookedTask | undefined {
    return this.#tasks.get(taskId as TaskId);
  }

  run(runId: string): RunRow | undefined {
    return this.#runs.get(runId);
  }

  hasEnded(taskId: string): boolean {
    const task = this.of(taskId);
    return task !== undefined && isTerminal(task.row.state);
  }

  /** How people call a Task: by its number, and what it runs. */
  nameOf(taskId: string): string {
    const task = this.of(taskId);
    if (!task) return `Task ${taskId}`;
    const { template, agentName } = task.row.spec;
    return `Task ${task.number} ${template?.name ?? agentName}`;
  }

  add({ tasks, steps, runs, deadlines }: Commit): void {
    for (const row of tasks) {
      const known = this.#tasks.get(row.id);
      if (known) known.row = row;
      else {
        const number = this.#tasks.size + 1;
        this.#tasks.set(row.id, { row, number, steps: new Map(), deadlines: new Map() });
      }
    }
    for (const step of steps) this.#tasks.get(step.taskId)?.steps.set(step.name, step);
    for (const run of runs) this.#runs.set(run.id, run);
    for (const deadline of deadlines) {
      const { taskId, stepName, kind, at } = deadline;
      const known = this.#tasks.get(taskId)?.deadlines;
      if (at === 0) known?.delete(`${kind} ${stepName}`);
      else known?.set(`${kind} ${stepName}`, deadline);
    }
  }
}

/** When something of a Task is due; undefined if nothing of this kind is. */
export function dueAt(task: BookedTask, kind: Deadline["kind"], stepName = ""): Instant | undefined {
  return task.deadlines.get(`${kind} ${stepName}`)?.at;
}

/**
 * A store whose commits are told, and which outlives the plane that closes it.
 *
 * @param committed called after each commit
 */
export function recordingStore(store: Store, committed: (turn: Commit) => void): Store {
  return {
    reads: store.reads,
    boot: () => store.boot(),
    load: (needs) => store.load(needs),
    commit: async (turn) => {
      const answer = await store.commit(turn);
      committed(turn);
      return answer;
    },
    ready: (lane, limit) => store.ready(lane, limit),
    due: (at, limit) => store.due(at, limit),
    nextDueAt: () => store.nextDueAt(),
    removeFinished: (...args) => store.removeFinished(...args),
    close: async () => {},
  };
}
