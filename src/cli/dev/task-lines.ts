import type { TaskId } from "#domain/id";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import { limits } from "#limits/index";
import type { Commit, Store } from "#ports/store";
import { nameOf } from "../template/name.js";
import { colorsFor, duration, paintStatus } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";

/**
 * Prints a line when a Task starts, and one when it ends, from what the plane has committed. Output that the terminal does
 * not take is counted instead of kept.
 */
export class TaskLines {
  readonly #io: Io;
  /** Tasks that have started, with the attempts at their Steps so far. */
  readonly #started = new Map<TaskId, number>();
  #unwritten = 0;
  #leftOut = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  /** Call it when the commit is durable. */
  committed({ tasks, runs }: Pick<Commit, "tasks" | "runs">): void {
    for (const { taskId, revision } of runs) {
      if (revision !== 1) continue;
      const before = this.#started.get(taskId) ?? 0;
      this.#started.set(taskId, before + 1);
      const task = before === 0 ? tasks.find(({ id }) => id === taskId) : undefined;
      if (task) this.#print(`${nameOfTask(task)} started`);
    }
    for (const task of tasks) if (isTerminal(task.state)) this.#end(task, this.#started.get(task.id) ?? 0);
    for (const id of this.#started.keys()) {
      if (this.#started.size <= limits.devTasksFollowed) break;
      this.#started.delete(id);
    }
  }

  #end(task: TaskRow, attempts: number): void {
    this.#started.delete(task.id);
    const status = taskStatus(task);
    const colors = colorsFor(this.#io.stdout, this.#io);
    const tries = attempts === 0 ? "" : `, ${attempts} ${attempts === 1 ? "attempt" : "attempts"}`;
    const why =
      task.errorMessage === "" ? "" : `: ${oneLine(task.errorMessage).slice(0, limits.shownResultChars)}`;
    const lasted = duration(task.finishedAt - task.createdAt);
    this.#print(`${nameOfTask(task)} ${paintStatus(colors, status)} after ${lasted}${tries}${why}`);
  }

  #print(text: string): void {
    if (this.#unwritten >= limits.devLinesUnwritten) {
      this.#leftOut += 1;
      return;
    }
    const more = this.#leftOut > 0 ? `… ${this.#leftOut} lines are left out\n` : "";
    this.#leftOut = 0;
    this.#unwritten += 1;
    void this.#io.stdout.write(`${more}${text}\n`).then(() => {
      this.#unwritten -= 1;
    });
  }
}

/** The store, of whose commits the lines are told. */
export function observed(store: Store, lines: TaskLines): Store {
  return {
    ...store,
    async commit(turn) {
      const committed = await store.commit(turn);
      lines.committed(turn);
      return committed;
    },
  };
}

function nameOfTask({ id, spec }: TaskRow): string {
  const what = spec.template ? nameOf(spec.template) : spec.agentName;
  return `task ${oneLine(id)} ${oneLine(what)}`;
}
