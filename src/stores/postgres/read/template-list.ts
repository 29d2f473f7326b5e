import type { TemplateRef, TemplateRow } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import { limits } from "#limits/index";
import type { TemplateFilter, TemplatePage } from "#ports/store-reads";
import type { Calls } from "../connect/calls.js";
import { templateFrom } from "../rows/rows.js";

const list = {
  name: "list-templates",
  text: `SELECT namespace, name, version, bytes FROM templates
    WHERE ($1::text[] IS NULL OR namespace = ANY ($1::text[])) AND ($2::text IS NULL OR name = $2)
      AND ($3::text IS NULL OR (namespace, name) > ($3, $4) OR (namespace = $3 AND name = $4 AND version_key < $5))
    ORDER BY namespace, name, version_key DESC LIMIT $6`,
} as const;

const chosen = {
  name: "chosen-templates",
  text: `SELECT t.data FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w(namespace, name, version, place)
    JOIN templates AS t ON t.namespace = w.namespace AND t.name = w.name AND t.version = w.version ORDER BY w.place`,
} as const;

/** One page: first names and sizes until the page is full, then its rows. Templates never change, and none is removed. */
export async function templatePage(
  calls: Calls,
  { namespaces, name }: TemplateFilter,
  after: TemplateRef | undefined,
  pageSize: number,
): Promise<TemplatePage> {
  const wanted = namespaces === "*" ? null : namespaces;
  const place = after ? [after.namespace, after.name, versionKey(after.version)] : [null, null, null];
  const found = await calls.query(list, [wanted, name ?? null, ...place, pageSize + 1]);

  let end = 0;
  for (let bytes = 0; end < found.length && end < pageSize; end++) {
    if (end > 0 && bytes >= limits.pageBytes) break;
    bytes += Number(found[end]?.[3]);
  }
  const page = found.slice(0, end).map(([namespace, name, version]) => {
    return { namespace: String(namespace), name: String(name), version: String(version) };
  });
  return {
    templates: page.length === 0 ? [] : await rowsOf(calls, page),
    next: end < found.length ? page.at(-1) : undefined,
  };
}

async function rowsOf(calls: Calls, page: readonly TemplateRef[]): Promise<readonly TemplateRow[]> {
  const columns = [
    page.map(({ namespace }) => namespace),
    page.map(({ name }) => name),
    page.map(({ version }) => version),
  ];
  return (await calls.query(chosen, columns)).map(([data]) => templateFrom(data));
}
