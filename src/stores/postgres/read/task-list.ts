import type { TaskId } from "#domain/id";
import type { TaskState } from "#domain/task/task";
import { limits } from "#limits/index";
import type { TaskFilter } from "#ports/store-reads";
import { idBounds, specTexts, wantedStates } from "../../shared/task-narrowing.js";
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
  const { namespaces } = filter;
  const bounds = idBounds(filter, before);
  const one = namespaces !== "*" && namespaces.length === 1 ? namespaces[0] : undefined;
  const where: Condition[] = [
    ...(one === undefined ? [] : [{ sql: "namespace = $", value: one }]),
    ...(from === undefined ? [] : [{ sql: "id >= $", value: from }]),
    ...(bounds.from === undefined ? [] : [{ sql: "id >= $", value: bounds.from }]),
    ...(bounds.below === undefined ? [] : [{ sql: "id < $", value: bounds.below }]),
  ];
  const conditions: Condition[] = [
    ...(one !== undefined || namespaces === "*"
      ? []
      : [{ sql: "namespace = ANY ($::text[])", value: namespaces }]),
    ...rowConditions(filter),
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

function rowConditions(filter: TaskFilter): readonly Condition[] {
  const { status, agentName, labels } = filter;
  const states = wantedStates(filter);
  const carried = Object.entries(labels ?? {}).map(labelText);
  return [
    ...(status === undefined ? [] : [{ sql: "status = $", value: status }]),
    ...(states === undefined ? [] : [{ sql: "data LIKE ANY ($::text[])", value: states.map(hasState) }]),
    ...(agentName === undefined ? [] : [{ sql: "agent_name = $", value: agentName }]),
    ...(carried.length === 0 ? [] : [{ sql: "labels @> $::text[]", value: carried }]),
    ...specTexts(filter).map((value) => ({ sql: "strpos(fixed, $) > 0", value })),
  ];
}

/** A pattern of rows in this state. Its underscores fit any character, which is no harm: what is read is checked once more. */
function hasState(state: TaskState): string {
  return `%"state":"${state}"%`;
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
