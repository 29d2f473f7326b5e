import type { AuditAppend, AuditRecord, Refusal } from "#ports/audit";
import type { Journal } from "./journal.js";

/** What a turn tells the audit log. Every change goes through the journal. */
export class AuditWrites {
  readonly #journal: Journal;
  readonly #records: AuditRecord[] = [];
  /** What was refused because of who asked: told once the commit has landed. */
  readonly refusals: Refusal[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** How many records the commit has. */
  get count(): number {
    return this.#records.length;
  }

  add(record: AuditRecord): void {
    this.#journal.push(this.#records, record);
  }

  refuse(refusal: Refusal): void {
    this.#journal.push(this.refusals, refusal);
  }

  /** @param chain undefined if there is no audit log */
  toCommit(chain: string | undefined): AuditAppend | undefined {
    return chain === undefined || this.count === 0 ? undefined : { chain, records: this.#records };
  }
}
