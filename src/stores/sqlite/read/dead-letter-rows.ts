import { limits } from "#limits/index";
import { type SqlCells, textIn } from "../driver.js";
import { deadLetterTable } from "../rows/rows.js";
import type { Prepared, reads } from "../rows/statements.js";
import type { DeadLetterCountReply, DeadLetterListReply, DeadLetterListRequest } from "../thread/requests.js";

type Statements = Prepared<
  Pick<typeof reads, "deadLetter" | "deadLetters" | "pendingDeadLetters" | "deadLetterCounts">
>;
type Namespaces = readonly string[] | null;

/** Rows read at once; conditions other than the place are checked one by one. */
const CHUNK = 200;
const LAST = "\u{10ffff}";

/** Dead letters as the reader thread has them: rows as JSON. */
export class DeadLetterRows {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  get(id: string, namespaces: Namespaces): string | null {
    const [row] = this.#sql.deadLetter.all([id]);
    if (!row || !isIn(namespaces, row[0])) return null;
    return deadLetterTable.textOf(row.slice(1));
  }

  list({ namespaces, statuses, reason, after, pageSize }: DeadLetterListRequest): DeadLetterListReply {
    const fits = ([, , namespace, rowStatus, rowReason]: SqlCells) =>
      isIn(namespaces, namespace) &&
      (statuses === null || statuses.includes(textIn(rowStatus))) &&
      (reason === null || textIn(rowReason) === reason);
    const from = after ?? { createdAt: Number.MAX_SAFE_INTEGER, taskId: LAST };
    const { rows, next } = walk(this.#sql.deadLetters, [from.createdAt, from.taskId], fits, pageSize);
    return { letters: listOf(rows), next: next && { createdAt: next[0], taskId: next[1] } };
  }

  queue(namespaces: Namespaces, most: number): string {
    const fits = ([, , namespace]: SqlCells) => isIn(namespaces, namespace);
    const { rows } = walk(this.#sql.pendingDeadLetters, [Number.MIN_SAFE_INTEGER, ""], fits, most);
    return listOf(rows);
  }

  count(namespaces: Namespaces, most: number): DeadLetterCountReply {
    const given = namespaces === null ? null : JSON.stringify(namespaces);
    return this.#sql.deadLetterCounts
      .all([given, most])
      .map(([reason, status, ...numbers]) => [
        textIn(reason),
        textIn(status),
        ...(numbers.map(Number) as [number, number, number, number]),
      ]);
  }
}

type Place = readonly [order: number, taskId: string];

/** Collects rows behind a place, up to a number of them, and of rows that are looked at. */
function walk(
  statement: Statements["deadLetters"],
  from: Place,
  fits: (row: SqlCells) => boolean,
  most: number,
): { readonly rows: readonly SqlCells[]; readonly next: Place | null } {
  const rows: SqlCells[] = [];
  let place = from;
  for (let looked = 0; ; looked += CHUNK) {
    if (looked >= limits.pageScannedRows) return { rows, next: place };
    const chunk = statement.all([...place, CHUNK]);
    for (const row of chunk) {
      place = [Number(row[0]), textIn(row[1])];
      if (!fits(row)) continue;
      rows.push(row);
      if (rows.length === most) return { rows, next: place };
    }
    if (chunk.length < CHUNK) return { rows, next: null };
  }
}

/** The sealed columns come after those that a list looks at. */
function listOf(rows: readonly SqlCells[]): string {
  return `[${rows.map((row) => deadLetterTable.textOf(row.slice(5))).join(",")}]`;
}

function isIn(namespaces: Namespaces, namespace: SqlCells[number] | undefined): boolean {
  return namespaces === null || namespaces.includes(textIn(namespace));
}
