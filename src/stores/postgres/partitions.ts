import { limits } from "#limits/index";
import type { Connection } from "./connect/connection.js";

const DAY_MS = 24 * 3_600_000;
const SPAN_MS = limits.postgresPartitionDays * DAY_MS;

/** The partitioned tables. */
const partitioned = ["texts", "log"] as const;

const LIST = `SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
  WHERE i.inhparent = $1::regclass ORDER BY c.relname`;

/**
 * Makes the partitions of the weeks to come, and drops those of weeks of which nothing is left. A table beyond its number of
 * partitions gets no more: new rows go to the partition for all others, which costs only that its files stay.
 *
 * Partitions are named after the first day that they cover. Each change is a transaction of its own that waits for a lock
 * for a moment only, since commits wait behind it; what it does not get is tried the next time.
 */
export async function keepPartitions(connection: Connection): Promise<void> {
  const [row] = await connection.query({ text: "SELECT (extract(epoch FROM now()) * 1000)::bigint" });
  const now = Number(row?.[0]);
  for (const table of partitioned) {
    const there = (await connection.query({ text: LIST }, [table])).map(([name]) => String(name));
    const wanted = Array.from({ length: limits.postgresPartitionsAhead }, (_, i) =>
      spanOf(table, now + i * SPAN_MS),
    );
    for (const { name } of there.map((name) => ({ name }))) {
      if (isOver(table, name, now)) await dropIfEmpty(connection, table, name);
    }
    let count = there.length;
    for (const span of wanted) {
      if (there.includes(span.name) || count >= limits.postgresPartitions) continue;
      await make(connection, table, span);
      count += 1;
    }
  }
}

interface Span {
  readonly name: string;
  readonly from: number;
}

/** The partition of an instant. */
function spanOf(table: string, at: number): Span {
  const from = Math.floor(at / SPAN_MS) * SPAN_MS;
  return { name: `${table}_${new Date(from).toISOString().slice(0, 10).replaceAll("-", "")}`, from };
}

/** True if the partition covers a past week, and not the last one: ids that were made then may still be on their way. */
function isOver(table: string, name: string, now: number): boolean {
  return /_\d{8}$/.test(name) && name < spanOf(table, now - SPAN_MS).name;
}

/** What ids made at an instant begin with: a UUIDv7 begins with its Unix time in milliseconds. */
export function idsFrom(at: number): string {
  const hex = at.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

async function make(connection: Connection, table: string, { name, from }: Span): Promise<void> {
  // Attached rather than created in place, which would lock out every commit; only the partition of all others is locked.
  await attempt(
    connection,
    `CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL);
     ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${idsFrom(from)}') TO ('${idsFrom(from + SPAN_MS)}');`,
  );
}

async function dropIfEmpty(connection: Connection, table: string, name: string): Promise<void> {
  const [found] = await connection.query({ text: `SELECT EXISTS (SELECT FROM ${name})` });
  if (found?.[0] === true) return;
  await attempt(
    connection,
    `LOCK TABLE ${table}, ${name} IN ACCESS EXCLUSIVE MODE;
     DO $$ BEGIN IF NOT EXISTS (SELECT FROM ${name}) THEN DROP TABLE ${name}; END IF; END $$;`,
  );
}

async function attempt(connection: Connection, sql: string): Promise<void> {
  await connection
    .script(`BEGIN; SET LOCAL lock_timeout = '500ms'; ${sql} COMMIT;`)
    .catch(async (error: unknown) => {
      if (connection.lost) throw error;
      await connection.script("ROLLBACK");
    });
}
