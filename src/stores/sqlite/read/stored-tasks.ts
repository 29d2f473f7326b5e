import type { TaskId } from "#domain/id";
import type { FiguresPage } from "#ports/store";
import { figuresPage } from "../../shared/figures.js";
import { type Statement, textIn } from "../driver.js";

/** A page of what the Tasks behind an id take up. @param statement `reads.storedTasks` */
export function storedPage(
  statement: Pick<Statement, "all">,
  after: TaskId | undefined,
  limit: number,
): FiguresPage {
  const rows = statement.all([after ?? "", limit]);
  return figuresPage(
    rows.map(([namespace = "", , ...cells]) => ({
      namespace: textIn(namespace),
      cells,
    })),
    rows.length < limit ? undefined : (String(rows.at(-1)?.[1]) as TaskId),
  );
}
