import { Fault } from "#domain/fault";
import { parsePostgresUrl } from "#domain/postgres-url";
import { allFigures, type StoreFigures } from "../shared/figures.js";
import { failureOf } from "./connect/failure.js";
import { opener } from "./connect/open.js";
import { storedPage, storedTasks } from "./read/stored-tasks.js";

/** Tasks that are counted together, so that memory stays small. */
const PAGE = 1_000;

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
      await connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      const query = (values: readonly unknown[]) => connection.query(storedTasks, values);
      const namespaces = await allFigures((after) => storedPage(query, after, PAGE));
      const [size] = await connection.query({ text: BYTES });
      return { namespaces, bytes: Number(size?.[0]) };
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw failureOf(error, url.shown);
  }
}
