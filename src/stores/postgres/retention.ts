import type { TaskId } from "#domain/id";
import { isDue, latestOf, type RetentionTerms } from "#domain/task/retention";
import { isKept, type TaskRow } from "#domain/task/task";
import { type Instant, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Calls } from "./connect/calls.js";
import { rowFrom } from "./rows/rows.js";

const statements = {
  /** Behind a place in the order in which they finished. */
  finished: {
    name: "finished",
    text: `SELECT fixed, data FROM tasks AS t
      WHERE finished_at > 0 AND finished_at < $1 AND (finished_at, id) > ($2, $3) AND ended IS NOT NULL
        AND NOT EXISTS (SELECT FROM runs AS r WHERE r.task_id = t.id AND r.held)
        AND NOT EXISTS (SELECT FROM dead_letters AS d
          WHERE d.task_id = t.id AND d.status = 'PENDING' AND d.created_at >= $5)
      ORDER BY finished_at, id LIMIT $4`,
  },
  others: { name: "others", text: "SELECT fixed, data FROM tasks WHERE id = ANY ($1::text[])" },
  remove: { name: "remove", text: "SELECT remove_1($1, $2)" },
} as const;

/** Where a search continues: behind this Task, in the order in which they finished. */
interface Place {
  readonly finishedAt: number;
  readonly id: string;
}

const START: Place = { finishedAt: 0, id: "" };

/**
 * Removes ended Tasks, those that finished longest ago first. One call looks at so many rows at most; if it finds that most of
 * them have to be kept, the next one continues behind them.
 */
export class FinishedTasks {
  readonly #calls: Calls;
  readonly #owner: () => number | null;
  #from = START;

  constructor(calls: Calls, owner: () => number | null) {
    this.#calls = calls;
    this.#owner = owner;
  }

  async remove(
    terms: RetentionTerms,
    limit: number,
    archive?: (ids: readonly TaskId[]) => Promise<void>,
  ): Promise<readonly TaskId[]> {
    const wanted = await this.#find(terms, limit);
    if (wanted.length === 0) return [];
    await archive?.(wanted);
    // A repetition after a lost answer finds none of those that the first call has removed: they count as removed.
    let isFirst = true;
    const removed = await this.#calls.run(async (connection) => {
      const isRepeated = !isFirst;
      isFirst = false;
      const [row] = await connection.query(statements.remove, [wanted, this.#owner()]);
      const there = new Set(row?.[0] as readonly string[]);
      if (!isRepeated) return there;
      const left = await connection.query(statements.others, [wanted]);
      const kept = new Set(left.map(([fixed, data]) => rowFrom<TaskRow>(fixed, data).id as string));
      return new Set(wanted.filter((id) => !kept.has(id)));
    });
    return wanted.filter((id) => removed.has(id));
  }

  async #find(terms: RetentionTerms, limit: number): Promise<readonly TaskId[]> {
    const before = latestOf(terms);
    const found: TaskId[] = [];
    let place = this.#from;
    let kept = 0;
    this.#from = START;
    while (found.length < limit) {
      const page = await this.#page(before, place, limit, terms.pendingSince ?? NEVER);
      const removable = (await this.#removable(page.filter((task) => isDue(task, terms)))).slice(
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

  async #page(
    before: Instant,
    { finishedAt, id }: Place,
    size: number,
    pendingSince: Instant,
  ): Promise<readonly TaskRow[]> {
    const values = [Math.ceil(before), finishedAt, id, size, Math.ceil(pendingSince)];
    const rows = await this.#calls.query(statements.finished, values);
    return rows.map(([fixed, data]) => rowFrom<TaskRow>(fixed, data));
  }

  async #removable(page: readonly TaskRow[]): Promise<readonly TaskId[]> {
    const others = page.flatMap(({ spec, compensatedBy }) => [spec.parent?.taskId ?? "", compensatedBy]);
    const ids = [...new Set(others.filter((id) => id !== ""))];
    if (ids.length === 0) return page.map(({ id }) => id);
    const rows = (await this.#calls.query(statements.others, [ids])).map(([fixed, data]) =>
      rowFrom<TaskRow>(fixed, data),
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    return page.filter((task) => !isKept(task, (id) => byId.get(id))).map(({ id }) => id);
  }
}
