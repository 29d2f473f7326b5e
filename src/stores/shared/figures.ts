import type { TaskId } from "#domain/id";
import { FiguresByNamespace, type NamespaceFigures } from "#domain/task/figures";
import type { FiguresPage } from "#ports/store";

/** What a store takes up. */
export interface StoreFigures {
  /** By name. */
  readonly namespaces: readonly NamespaceFigures[];
  /** All of it on the disk, with indexes, free pages, and what is no Task's. */
  readonly bytes: number;
}

/** What is counted of one Task: 1 if it has ended, Steps, Runs, and bytes of inputs, results and log. */
export interface CountedTask {
  readonly namespace: string;
  readonly cells: readonly unknown[];
}

/**
 * A page of what is counted, from the rows of its Tasks.
 *
 * @param next the last of them, if there are more
 */
export function figuresPage(rows: readonly CountedTask[], next: TaskId | undefined): FiguresPage {
  const sums = new FiguresByNamespace();
  for (const { namespace, cells } of rows) {
    const [ended = 0, steps = 0, runs = 0, inputBytes = 0, resultBytes = 0, logBytes = 0] = cells.map(Number);
    sums.add({ namespace, tasks: 1, ended, steps, runs, inputBytes, resultBytes, logBytes });
  }
  return { namespaces: sums.list(), next };
}

/** All pages together. @param read a page behind an id */
export async function allFigures(
  read: (after: TaskId | undefined) => FiguresPage | Promise<FiguresPage>,
): Promise<readonly NamespaceFigures[]> {
  const sums = new FiguresByNamespace();
  let page: FiguresPage | undefined;
  do {
    page = await read(page?.next);
    for (const figures of page.namespaces) sums.add(figures);
  } while (page.next !== undefined);
  return sums.list();
}
