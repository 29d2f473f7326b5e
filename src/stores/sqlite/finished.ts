import type { TaskId } from "#domain/id";
import { isDue, latestOf, type RetentionTerms } from "#domain/task/retention";
import { isKept, type TaskRow } from "#domain/task/task";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Layouts } from "./rows/layouts.js";
import { taskTable } from "./rows/rows.js";
import { listed, type loads, type Prepared, type writes } from "./rows/statements.js";

/** Where a search continues: behind this Task, in the order in which they finished. */
interface Place {
  readonly finishedAt: number;
  readonly id: string;
}

const START: Place = { finishedAt: 0, id: "" };

/**
 * Finds the Tasks that retention may remove, those that finished longest ago first. One call looks at so many rows at
 * most; if it finds that most of them have to be kept, the next one continues behind them.
 */
export class FinishedTasks {
  readonly #sql: Prepared<Pick<typeof loads & typeof writes, "tasks" | "finished">>;
  readonly #layouts: Layouts;
  #from = START;

  constructor(sql: Prepared<Pick<typeof loads & typeof writes, "tasks" | "finished">>, layouts: Layouts) {
    this.#sql = sql;
    this.#layouts = layouts;
  }

  find(terms: RetentionTerms, limit: number): readonly TaskId[] {
    const before = latestOf(terms);
    const found: TaskId[] = [];
    let place = this.#from;
    let kept = 0;
    this.#from = START;
    while (found.length < limit) {
      const page = this.#page(before, place, limit, terms.pendingSince ?? NEVER);
      const removable = this.#removable(page.filter((task) => isDue(task, terms))).slice(
        0,
        limit - found.length,
      );
      found.push(...removable);
      kept += page.length - removable.length;
      place = page.at(-1) ?? START;
      if (page.length < limit) return found;
      if (kept < limits.retentionKept) continue;
      this.#from = place;
      return found;
    }
    return found;
  }

  #page(before: number, { finishedAt, id }: Place, size: number, pendingSince: number): readonly TaskRow[] {
    const text = listed(taskTable, this.#sql.finished, [before, finishedAt, id, pendingSince, size]);
    return taskTable.rows(text, this.#layouts);
  }

  #removable(page: readonly TaskRow[]): readonly TaskId[] {
    const others = page.flatMap(({ spec, compensatedBy }) => [spec.parent?.taskId ?? "", compensatedBy]);
    const ids = [...new Set(others.filter((id) => id !== ""))];
    if (ids.length === 0) return page.map(({ id }) => id);
    const text = listed(taskTable, this.#sql.tasks, [JSON.stringify(ids), "[]"]);
    const rows = new Map(taskTable.rows(text, this.#layouts).map((row) => [row.id, row]));
    return page.filter((task) => !isKept(task, (id) => rows.get(id))).map(({ id }) => id);
  }
}
