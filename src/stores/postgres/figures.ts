import { Fault } from "#domain/fault";
import { parsePostgresUrl } from "#domain/postgres-url";
import { type Counted, figuresFrom, type StoreFigures } from "../shared/figures.js";
import type { Connection } from "./connect/connection.js";
import { failureOf } from "./connect/failure.js";
import { opener } from "./connect/open.js";

/** The size of a value as it is stored, so that none is read and unpacked for it. */
function joined(table: string, bytes: string): string {
  return `SELECT t.namespace, count(*), coalesce(sum(${bytes}), 0)::bigint FROM ${table} AS p JOIN tasks AS t ON t.id = p.task_id GROUP BY t.namespace`;
}

const texts = (kinds: string) => `(SELECT task_id, json FROM texts WHERE kind IN (${kinds}))`;

const statements = {
  tasks: "SELECT namespace, count(*), count(*) FILTER (WHERE finished_at > 0) FROM tasks GROUP BY namespace",
  steps: joined("steps", "0"),
  runs: joined("runs", "0"),
  inputs: joined(texts("'inputs', 'stepInputs'"), "pg_column_size(p.json)"),
  results: joined(texts("'outputs'"), "pg_column_size(p.json)"),
  log: joined("log", "pg_column_size(p.entries)"),
} as const;

const BYTES = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class AS c
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'`;
const IS_THERE = "SELECT to_regclass('tasks') IS NOT NULL";

/**
 * Counts a database by reading all of it on one snapshot; servers go on meanwhile.
 *
 * @throws {Fault} `not_found` if no server has used it yet
 */
export async function figuresOf(text: string): Promise<StoreFigures> {
  const url = parsePostgresUrl(text);
  try {
    const connection = await (await opener(url))("stats");
    try {
      const [there] = await connection.query({ text: IS_THERE });
      if (there?.[0] !== true) throw new Fault("not_found", `there is no store at ${url.shown}`);
      // It reads whole tables, which is what a server's own sessions are kept from.
      await connection.script(
        "SET enable_seqscan = on; SET enable_hashjoin = on; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
      );
      const counted = (name: keyof typeof statements) => countedIn(connection, statements[name]);
      const namespaces = figuresFrom({
        tasks: await counted("tasks"),
        steps: await counted("steps"),
        runs: await counted("runs"),
        inputs: await counted("inputs"),
        results: await counted("results"),
        log: await counted("log"),
      });
      const [size] = await connection.query({ text: BYTES });
      return { namespaces, bytes: Number(size?.[0]) };
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw failureOf(error, url.shown);
  }
}

async function countedIn(connection: Connection, text: string): Promise<Counted> {
  const rows = await connection.query({ text });
  return rows.map(([namespace, count, more]) => [String(namespace), Number(count), Number(more)]);
}
