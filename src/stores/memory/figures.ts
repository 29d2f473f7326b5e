import type { TaskId } from "#domain/id";
import { isTerminal } from "#domain/task/task";
import type { FiguresPage } from "#ports/store";
import { figuresPage } from "../shared/figures.js";
import type { Kept, MemoryTables } from "./reads.js";
import { compare } from "./templates.js";

/** Counts what Tasks take up: of logs the bytes of their JSON. */
export class MemoryFigures {
  readonly #tables: MemoryTables;
  /** The ids of the pass under way, in order, so that they are sorted once and not for each page. */
  #ids: readonly TaskId[] = [];

  constructor(tables: MemoryTables) {
    this.#tables = tables;
  }

  /** A page of the Tasks behind an id; later ones than the first page of a pass has seen may be missing. */
  page(after: TaskId | undefined, limit: number): FiguresPage {
    const { tasks } = this.#tables;
    if (after === undefined || this.#ids.length === 0) this.#ids = [...tasks.keys()].sort(compare);
    const from = this.#placeBehind(after);
    const ids = this.#ids.slice(from, from + limit);
    const isLast = from + limit >= this.#ids.length;
    if (isLast) this.#ids = [];
    const kept = ids.flatMap((id) => tasks.get(id) ?? []);
    return figuresPage(
      kept.map((each) => ({ namespace: each.task.namespace, cells: numbersOf(each) })),
      isLast ? undefined : ids.at(-1),
    );
  }

  /** The place of the first id behind another one. */
  #placeBehind(after: TaskId | undefined): number {
    if (after === undefined) return 0;
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] ?? "") > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function numbersOf({ task, steps, runs, texts, log }: Kept): readonly number[] {
  const bytes = [[texts.inputs, texts.stepInputs], [texts.outputs]].map((kinds) =>
    sum(kinds.flatMap((kind) => [...kind.values()])),
  );
  const logBytes = sum(log.map((entry) => JSON.stringify(entry)));
  return [Number(isTerminal(task.state)), steps.size, runs.size, ...bytes, logBytes];
}

function sum(texts: readonly string[]): number {
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
}
