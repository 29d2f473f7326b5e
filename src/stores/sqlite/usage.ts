import { limits } from "#limits/index";
import { type SqlCells, textIn } from "./driver.js";
import type { Changes } from "./rows/changes.js";
import { outputDays } from "./rows/output-days.js";
import type { boots, Prepared } from "./rows/statements.js";
import type { OutputPut } from "./thread/requests.js";

/** What processes have counted of output. The file has one at a time, and its earlier starts. */
export class UsageRows {
  readonly #sql: Prepared<typeof boots>;
  readonly #changes: Changes;

  constructor(sql: Prepared<typeof boots>, changes: Changes) {
    this.#sql = sql;
    this.#changes = changes;
  }

  /** True if a number is larger than what is there, or an old day can go. */
  changes({ writer, day, bytes }: OutputPut): boolean {
    const there = this.#of(day, writer);
    return this.#old(day).length > 0 || bytes.some(([name, count]) => count > (there.get(name) ?? 0));
  }

  put({ writer, day, bytes }: OutputPut): void {
    for (const old of this.#old(day)) this.#changes.removeOutputDay(old);
    const there = this.#of(day, writer);
    for (const [name, count] of bytes) {
      if (count > (there.get(name) ?? 0)) this.#changes.putOutputDay([day, writer, name, count]);
    }
  }

  /** What all have of a day, by namespace, the most first. */
  all(day: number): readonly (readonly [string, number])[] {
    const sums = new Map<string, number>();
    for (const row of this.#sql.outputDay.all([day])) {
      const { name, count } = opened(row);
      sums.set(name, (sums.get(name) ?? 0) + count);
    }
    return [...sums].sort(([, a], [, b]) => b - a).slice(0, limits.usageNamespaces);
  }

  #of(day: number, writer: string): ReadonlyMap<string, number> {
    const rows = this.#sql.outputDay.all([day]).map(opened);
    return new Map(rows.filter((row) => row.writer === writer).map(({ name, count }) => [name, count]));
  }

  #old(day: number): readonly number[] {
    return this.#sql.oldOutputDays.all([day - 1]).map(([old]) => Number(textIn(old)));
  }
}

function opened(row: SqlCells) {
  const [, writer = "", name = "", bytes] = outputDays.open(row);
  return { writer, name, count: Number(bytes) };
}
