import { type SqlCells, type SqlRow, textIn } from "../driver.js";
import { DamagedRow, nameOf } from "../rows/checksum.js";
import { templates } from "../rows/rows.js";
import type { Prepared, walks } from "../rows/statements.js";
import type { TemplateListReply, TemplateListRequest } from "../thread/requests.js";

/** Sorts after every version's key, which begins with a digit. */
const ABOVE_ALL = "~";

/** An entry of the list, with its size. */
type Place = readonly [namespace: string, name: string, version: string, bytes: number];

/**
 * Returns one page of templates. First reads only names and sizes, one namespace after another, until the page is full;
 * then reads the rows of the page. Each namespace read either adds to the page or was requested by name.
 */
export function listTemplates(sql: Prepared<typeof walks>, request: TemplateListRequest): TemplateListReply {
  const { pageSize, maxBytes } = request;
  const found: Place[] = [];
  for (const namespace of namespacesOf(sql, request)) {
    found.push(...placesIn(sql, request, namespace, pageSize + 1 - found.length));
    if (found.length > pageSize) break;
  }

  let end = 0;
  for (let bytes = 0; end < found.length && end < pageSize; end++) {
    if (end > 0 && bytes >= maxBytes) break;
    bytes += found[end]?.[3] ?? 0;
  }
  const refs = found.slice(0, end).map(([namespace, name, version]) => [namespace, name, version] as const);
  const rows = sql.templates.all([JSON.stringify(refs)]).map(templates.open);
  // Names come from an index, so each of their rows must exist.
  if (rows.length < refs.length) throw new DamagedRow("templates", missing(refs, rows), "is missing");
  return {
    templates: rows,
    next: end < found.length ? (refs.at(-1) ?? null) : null,
  };
}

function* namespacesOf(sql: Prepared<typeof walks>, request: TemplateListRequest): Generator<string> {
  const { namespaces, name, after } = request;
  if (namespaces !== null) {
    yield* namespaces.filter((namespace) => after === null || namespace >= after.namespace);
    return;
  }

  if (after) yield after.namespace;
  for (let at = after?.namespace ?? ""; ; ) {
    const [row] = name === null ? sql.nextNamespace.all([at]) : sql.nextNamespaceOf.all([name, at]);
    if (!row) return;
    at = textIn(row[0]);
    yield at;
  }
}

/** Returns up to `limit` entries of a namespace, from the position where the page begins. */
function placesIn(
  sql: Prepared<typeof walks>,
  { name, after }: TemplateListRequest,
  namespace: string,
  limit: number,
): Place[] {
  const from = after?.namespace === namespace ? after : { name: "", versionKey: ABOVE_ALL };
  if (name !== null) {
    if (name < from.name) return [];
    const below = name === from.name ? from.versionKey : ABOVE_ALL;
    return sql.versionsBelow.all([namespace, name, below, limit]).map(placeOf);
  }

  const rest = sql.versionsBelow.all([namespace, from.name, from.versionKey, limit]);
  const later = sql.namesAbove.all([namespace, from.name, limit - rest.length]);
  return [...rest, ...later].map(placeOf);
}

function placeOf([namespace, name, version, bytes]: SqlCells): Place {
  return [textIn(namespace), textIn(name), textIn(version), Number(bytes)];
}

/** Returns the name of the first of `refs` that is not among `rows`. */
function missing(refs: readonly SqlRow[], rows: readonly SqlRow[]): string {
  const found = new Set(rows.map((row) => nameOf(row.slice(0, 3))));
  return refs.map(nameOf).find((name) => !found.has(name)) ?? "";
}
