import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import { limits } from "#limits/index";
import type { TemplateFilter, TemplatePage } from "#ports/store-reads";

/** The templates of the memory store. They are never changed or removed. */
export class MemoryTemplates {
  readonly #rows = new Map<string, TemplateRow>();

  /** A template; the newest version if `ref` has none. */
  get(ref: TemplateRef): TemplateRow | undefined {
    if (ref.version !== "") return this.#rows.get(templateKey(ref));
    const { namespace, name } = ref;
    return this.#inOrder().find((row) => row.namespace === namespace && row.name === name);
  }

  add(row: TemplateRow): void {
    this.#rows.set(templateKey(row), row);
  }

  /** Number of versions by namespace. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { namespace } of this.#rows.values()) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
    return counts;
  }

  /** A page: ends at `pageSize` rows, or when its size reaches the limit of a page. */
  page(filter: TemplateFilter, after: TemplateRef | undefined, pageSize: number): TemplatePage {
    const { namespaces, name } = filter;
    const found = this.#inOrder().filter(
      (row) =>
        (namespaces === "*" || namespaces.includes(row.namespace)) &&
        (name === undefined || row.name === name) &&
        (after === undefined || compareTemplates(row, after) > 0),
    );
    let end = 0;
    for (let bytes = 0; end < found.length && end < pageSize; end++) {
      if (end > 0 && bytes >= limits.pageBytes) break;
      bytes += bytesOf(found[end]);
    }
    const templates = found.slice(0, end);

    return { templates, next: end < found.length ? refOf(templates.at(-1)) : undefined };
  }

  #inOrder(): TemplateRow[] {
    return [...this.#rows.values()].sort(compareTemplates);
  }
}

/** By namespace and name, the newest version first. */
function compareTemplates(a: TemplateRef, b: TemplateRef): number {
  return (
    compare(a.namespace, b.namespace) ||
    compare(a.name, b.name) ||
    compare(versionKey(b.version), versionKey(a.version))
  );
}

function refOf(row: TemplateRow | undefined): TemplateRef | undefined {
  return row && { namespace: row.namespace, name: row.name, version: row.version };
}

function bytesOf(row: TemplateRow | undefined): number {
  return row ? row.source.length + JSON.stringify(row.body).length : 0;
}

/** By code unit, which for the ids and names allowed is also SQLite's order. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
