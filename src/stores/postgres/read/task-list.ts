import type { TaskId } from "#domain/id";
import { limits } from "#limits/index";
import type { TaskFilter } from "#ports/store-reads";
import type { Statement } from "../connect/connection.js";
import { labelText } from "../rows/rows.js";

interface Query {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

interface Condition {
  /** With `$` in the place of its value. */
  readonly sql: string;
  readonly value: unknown;
}

/**
 * Makes the statements for one page of Tasks, and for the last row that the page was allowed to look at. Rows are read by id,
 * newest first, and within one namespace if only one is wanted; all other conditions are checked for each row.
 *
 * @param from the last row to look at, where that is known
 */
export function listStatements(
  filter: TaskFilter,
  before: TaskId | undefined,
  pageSize: number,
  from?: TaskId,
): { readonly page: Query; readonly last: Query } {
  const { namespaces, status, agentName, labels, idPrefix } = filter;
  const one = namespaces !== "*" && namespaces.length === 1 ? namespaces[0] : undefined;
  const where: Condition[] = [
    ...(one === undefined ? [] : [{ sql: "namespace = $", value: one }]),
    ...(before === undefined ? [] : [{ sql: "id < $", value: before }]),
    ...(from === undefined ? [] : [{ sql: "id >= $", value: from }]),
    ...(idPrefix === undefined ? [] : beginsWith(idPrefix)),
  ];
  const carried = Object.entries(labels ?? {}).map(labelText);
  const conditions: Condition[] = [
    ...(one !== undefined || namespaces === "*"
      ? []
      : [{ sql: "namespace = ANY ($::text[])", value: namespaces }]),
    ...(status === undefined ? [] : [{ sql: "status = $", value: status }]),
    ...(agentName === undefined ? [] : [{ sql: "agent_name = $", value: agentName }]),
    ...(carried.length === 0 ? [] : [{ sql: "labels @> $::text[]", value: carried }]),
  ];
  const scanned = { sql: "$::bigint", value: limits.pageScannedRows };
  const size = { sql: "$::bigint", value: pageSize + 1 };
  const skipped = { sql: "$::bigint", value: limits.pageScannedRows - 1 };

  return {
    page: query(
      `SELECT fixed, data FROM (SELECT * FROM tasks ${all(where)} ORDER BY id DESC LIMIT ${scanned.sql}) AS scanned
        ${all(conditions)} ORDER BY id DESC LIMIT ${size.sql}`,
      [...where, scanned, ...conditions, size],
    ),
    last: query(`SELECT id FROM tasks ${all(where)} ORDER BY id DESC LIMIT 1 OFFSET ${skipped.sql}`, [
      ...where,
      skipped,
    ]),
  };
}

/** The ids that begin so lie together in the index. */
function beginsWith(prefix: string): Condition[] {
  return [
    { sql: "id >= $", value: prefix },
    { sql: "id < $", value: `${prefix}\u{10ffff}` },
  ];
}

function all(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
}

function query(sql: string, conditions: readonly Condition[]): Query {
  let number = 0;
  return {
    statement: { text: sql.replaceAll("$", () => `$${++number}`) },
    values: conditions.map(({ value }) => value),
  };
}
