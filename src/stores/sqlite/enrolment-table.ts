import type { EnrolmentRow } from "#domain/access/enrolment";
import type { SqlRow } from "./driver.js";
import { enrolmentFrom, enrolmentValues } from "./rows/enrolment.js";
import type { boots, Prepared } from "./rows/statements.js";

/** Which rows of enrolment are wanted. */
export type EnrolmentQuery =
  | { readonly kind: string; readonly id: string }
  | { readonly kind: string; readonly after: string; readonly limit: number }
  | { readonly deniedAt: number };

/** Reads rows of enrolment, and compares them with those to be written. */
export class EnrolmentTable {
  readonly #sql: Prepared<typeof boots>;

  constructor(sql: Prepared<typeof boots>) {
    this.#sql = sql;
  }

  find(query: EnrolmentQuery): readonly EnrolmentRow[] {
    const { enrolmentRow, enrolmentRows, deniedWorkers } = this.#sql;
    if ("deniedAt" in query) return deniedWorkers.all([Math.max(0, query.deniedAt)]).map(enrolmentFrom);
    if ("id" in query) return enrolmentRow.all([query.kind, query.id]).map(enrolmentFrom);
    return enrolmentRows.all([query.kind, query.after, query.limit]).map(enrolmentFrom);
  }

  /**
   * The values to write, of rows that are not there already; undefined if one has another revision than the one before, and
   * is not there as it is either.
   */
  following(rows: readonly EnrolmentRow[]): readonly SqlRow[] | undefined {
    const values: SqlRow[] = [];
    for (const row of rows) {
      const [there] = this.find({ kind: row.kind, id: row.id });
      const own = enrolmentValues(row);
      if ((there?.revision ?? 0) === row.revision - 1) values.push(own);
      else if (!there || JSON.stringify(enrolmentValues(there)) !== JSON.stringify(own)) return undefined;
    }
    return values;
  }
}
