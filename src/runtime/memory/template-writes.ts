import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import type { Journal } from "./journal.js";

/** The templates that a turn has loaded, and those that it writes. Every change goes through the journal. */
export class TemplateWrites {
  readonly #journal: Journal;
  readonly #rows = new Map<string, TemplateRow>();
  readonly #added: TemplateRow[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Adds rows from the store. */
  take(rows: readonly TemplateRow[]): void {
    for (const row of rows) this.#rows.set(templateKey(row), row);
  }

  /** A template that the turn has loaded or made; for an empty version, the newest one of these. */
  find(ref: TemplateRef): TemplateRow | undefined {
    if (ref.version !== "") return this.#rows.get(templateKey(ref));
    let newest: TemplateRow | undefined;
    for (const row of this.#rows.values()) {
      if (row.namespace !== ref.namespace || row.name !== ref.name) continue;
      if (!newest || versionKey(row.version) > versionKey(newest.version)) newest = row;
    }
    return newest;
  }

  /** True if the template was made by this turn and is not committed yet. */
  isNew(row: TemplateRow): boolean {
    return this.#added.includes(row);
  }

  add(row: TemplateRow): void {
    this.#journal.set(this.#rows, templateKey(row), row);
    this.#journal.push(this.#added, row);
  }

  toCommit(): readonly TemplateRow[] {
    return this.#added;
  }
}
