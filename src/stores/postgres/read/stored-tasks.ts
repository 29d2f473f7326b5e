import type { TaskId } from "#domain/id";
import type { FiguresPage } from "#ports/store";
import { figuresPage } from "../../shared/figures.js";
import type { Cells } from "../connect/connection.js";

/** The sum over the texts of some kinds of one Task: the size of a value as it is stored, so that none is read and unpacked for it. */
function texts(kinds: string): string {
  return `(SELECT coalesce(sum(pg_column_size(json)), 0)::bigint FROM texts WHERE task_id = t.id AND kind IN (${kinds}))`;
}

/** What each Task takes up, of so many behind an id. */
export const storedTasks = {
  name: "stored-tasks",
  text: `SELECT t.namespace, t.id, (t.finished_at > 0)::int,
      (SELECT count(*) FROM steps WHERE task_id = t.id), (SELECT count(*) FROM runs WHERE task_id = t.id),
      ${texts("'inputs', 'stepInputs'")}, ${texts("'outputs'")},
      (SELECT coalesce(sum(pg_column_size(entries)), 0)::bigint FROM log WHERE task_id = t.id)
    FROM tasks AS t WHERE t.id > $1 ORDER BY t.id LIMIT $2::bigint`,
} as const;

/** @param query runs {@link storedTasks} */
export async function storedPage(
  query: (values: readonly unknown[]) => Promise<readonly Cells[]>,
  after: TaskId | undefined,
  limit: number,
): Promise<FiguresPage> {
  const rows = await query([after ?? "", limit]);
  return figuresPage(
    rows.map(([namespace, , ...cells]) => ({ namespace: String(namespace), cells })),
    rows.length < limit ? undefined : (String(rows.at(-1)?.[1]) as TaskId),
  );
}
