import type { TaskId } from "#domain/id";
import type { Revisioned, RowKindName } from "#domain/row-kinds";
import { countLetters, type DeadLetterRow } from "#domain/task/dead-letter";
import type {
  DeadLetterCounts,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterPlace,
  DeadLetterReads,
} from "#ports/dead-letters";
import { compare } from "./templates.js";

/** The part of the memory store's tables that has dead letters. */
interface LetterTables {
  readonly singles: ReadonlyMap<RowKindName, ReadonlyMap<string, Revisioned>>;
}

type Namespaces = DeadLetterFilter["namespaces"];

/** Reads of dead letters over the tables of the memory store. Examines all of them, so that only the last page is short. */
export class MemoryDeadLetters implements DeadLetterReads {
  readonly #tables: LetterTables;

  constructor(tables: LetterTables) {
    this.#tables = tables;
  }

  async get(taskId: TaskId, namespaces: Namespaces): Promise<DeadLetterRow | undefined> {
    return this.#of({ namespaces }).find((row) => row.taskId === taskId);
  }

  async list(
    filter: DeadLetterFilter,
    after: DeadLetterPlace | undefined,
    pageSize: number,
  ): Promise<DeadLetterPage> {
    const found = this.#of(filter)
      .filter((row) => !after || newestFirst(after, row) < 0)
      .sort(newestFirst);
    const letters = found.slice(0, pageSize);
    return { letters, next: found.length > pageSize ? letters.at(-1) : undefined };
  }

  async queue(namespaces: Namespaces, most: number): Promise<readonly DeadLetterRow[]> {
    return this.#of({ namespaces, statuses: ["PENDING"] })
      .sort((a, b) => a.rank - b.rank || compare(a.taskId, b.taskId))
      .slice(0, most);
  }

  async count(namespaces: Namespaces, most: number): Promise<DeadLetterCounts> {
    const found = this.#of({ namespaces }).sort(newestFirst);
    return { counts: countLetters(found.slice(0, most)), isComplete: found.length < most };
  }

  #of({ namespaces, statuses, reason }: DeadLetterFilter): DeadLetterRow[] {
    const rows = [...(this.#tables.singles.get("deadLetters")?.values() ?? [])] as DeadLetterRow[];
    return rows.filter(
      (row) =>
        (namespaces === "*" || namespaces.includes(row.namespace)) &&
        (statuses === undefined || statuses.includes(row.status)) &&
        (reason === undefined || row.reason === reason),
    );
  }
}

function newestFirst(a: DeadLetterPlace, b: DeadLetterPlace): number {
  return b.createdAt - a.createdAt || compare(b.taskId, a.taskId);
}
