import { bytesOf, type SqlValue } from "../driver.js";
import { taskTable } from "../rows/rows.js";
import type { ListRequest } from "../thread/requests.js";

interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * Makes the statements for one page of Tasks, and for the last row that the page was allowed to scan. Rows are scanned
 * by id, newest first, and within one namespace if only one is wanted; all other conditions are checked for each row.
 */
export function listStatements(request: ListRequest): { readonly page: Query; readonly last: Query } {
  const { namespaces, from, below, pageSize, scannedRows } = request;
  const one = namespaces?.length === 1 ? namespaces[0] : undefined;
  const where = [
    ...(one === undefined ? [] : [{ sql: "namespace = ?", value: one }]),
    ...(from === null ? [] : [{ sql: "id >= ?", value: from }]),
    ...(below === null ? [] : [{ sql: "id < ?", value: below }]),
  ];
  const conditions = [
    ...(one !== undefined || namespaces === null ? [] : [isOneOf("namespace", namespaces)]),
    ...rowConditions(request),
  ];
  const order = "ORDER BY id DESC LIMIT";
  const values = where.map(({ value }) => value);

  return {
    page: {
      sql: `SELECT ${bytesOf("id")}, ${taskTable.sealed("")} FROM (SELECT * FROM tasks ${all(where)} ${order} ?) ${all(conditions)} LIMIT ?`,
      values: [...values, scannedRows, ...conditions.map(({ value }) => value), pageSize + 1],
    },
    last: {
      sql: `SELECT ${bytesOf("id")}, ${taskTable.sealed("")} FROM tasks ${all(where)} ${order} 1 OFFSET ?`,
      values: [...values, scannedRows - 1],
    },
  };
}

/** True if the Task has every wanted label. */
const CARRIES = `NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS (
  SELECT 1 FROM json_each(spec, '$.labels') AS label
  WHERE label.key = wanted.value ->> 0 AND label.value = wanted.value ->> 1))`;

/** True if the JSON of the spec has every wanted text. */
const HAS_TEXTS = "NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT instr(spec, wanted.value))";

function rowConditions({ statusStates, states, agentName, labels, specTexts }: ListRequest) {
  return [
    ...(statusStates === null ? [] : [isOneOf("state || ' ' || has_run", statusStates)]),
    ...(states === null ? [] : [isOneOf("state", states)]),
    ...(agentName === null ? [] : [{ sql: "agent_name = ?", value: agentName }]),
    ...(labels.length === 0 ? [] : [{ sql: CARRIES, value: JSON.stringify(labels) }]),
    ...(specTexts.length === 0 ? [] : [{ sql: HAS_TEXTS, value: JSON.stringify(specTexts) }]),
  ];
}

function isOneOf(column: string, names: readonly string[]) {
  return { sql: `${column} IN (SELECT value FROM json_each(?))`, value: JSON.stringify(names) };
}

function all(conditions: readonly { readonly sql: string }[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
}
