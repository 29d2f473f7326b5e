import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import { limits } from "#limits/index";
import { weighTemplate } from "./weight.js";

/**
 * An LRU cache of templates, bounded by number and weight. Templates are immutable, so that only the newest version
 * of a name can become stale.
 */
export class TemplateCache {
  readonly #rows = new Map<string, TemplateRow>();
  /** The newest version, by namespace and name, if known. */
  readonly #newest = new Map<string, TemplateRow>();
  #weight = 0;
  #registrations = 0;

  /** Counts registrations. An answer of the store to an older read may not have the newest version. */
  get registrations(): number {
    return this.#registrations;
  }

  /** A cached template; the newest version if `ref` has none. */
  find(ref: TemplateRef): TemplateRow | undefined {
    const row = ref.version === "" ? this.#newest.get(nameOf(ref)) : this.#rows.get(templateKey(ref));
    if (row) this.#put(row);
    return row;
  }

  /** Call when these templates have been committed. */
  register(rows: readonly TemplateRow[]): void {
    if (rows.length === 0) return;
    this.#registrations += 1;
    for (const row of rows) {
      const newest = this.#newest.get(nameOf(row));
      this.#put(row);
      if (newest && versionKey(row.version) > versionKey(newest.version)) this.#newest.set(nameOf(row), row);
    }
  }

  /** Adds templates that the store has returned. @param registrations its value when the read began */
  remember(asked: readonly TemplateRef[], rows: readonly TemplateRow[], registrations: number): void {
    const byName = new Map(rows.map((row) => [templateKey(row), row]));
    for (const row of rows) this.#put(row);
    if (registrations !== this.#registrations) return;
    for (const ref of asked.filter(({ version }) => version === "")) {
      const newest = newestOf([...byName.values()].filter((row) => nameOf(row) === nameOf(ref)));
      if (newest && this.#rows.has(templateKey(newest))) this.#newest.set(nameOf(newest), newest);
    }
  }

  forgetAll(): void {
    this.#rows.clear();
    this.#newest.clear();
    this.#weight = 0;
    this.#registrations += 1;
  }

  #put(row: TemplateRow): void {
    const key = templateKey(row);
    if (this.#rows.delete(key)) {
      this.#rows.set(key, row);
      return;
    }
    this.#rows.set(key, row);
    this.#weight += weighTemplate(row);
    for (const old of this.#rows.values()) {
      if (this.#weight <= limits.templateCacheBytes && this.#rows.size <= limits.templatesInMemory) break;
      this.#forget(old);
    }
  }

  #forget(row: TemplateRow): void {
    this.#rows.delete(templateKey(row));
    this.#weight -= weighTemplate(row);
    const newest = this.#newest.get(nameOf(row));
    if (newest && templateKey(newest) === templateKey(row)) this.#newest.delete(nameOf(row));
  }
}

function newestOf(rows: readonly TemplateRow[]): TemplateRow | undefined {
  return rows.reduce<TemplateRow | undefined>(
    (newest, row) => (newest && versionKey(newest.version) > versionKey(row.version) ? newest : row),
    undefined,
  );
}

function nameOf({ namespace, name }: TemplateRef): string {
  return templateKey({ namespace, name, version: "" });
}
