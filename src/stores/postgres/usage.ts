import { limits } from "#limits/index";
import type { CountedOutput, UsageStore } from "#ports/usage";
import type { Calls } from "./connect/calls.js";

/**
 * Writes and answers in one statement, which sees the rows from before it: the numbers of the caller are put in their place. Rows are
 * this process's own, so that nobody waits for anybody.
 */
const putOutput = {
  name: "put-output",
  text: `WITH given AS (SELECT * FROM json_to_recordset($3::json) AS g(namespace text, bytes bigint)),
    old AS (DELETE FROM output_days WHERE day < $2::int - 1),
    put AS (INSERT INTO output_days AS o (day, writer, namespace, bytes)
      SELECT $2, $1, namespace, bytes FROM given ORDER BY namespace
      ON CONFLICT (day, writer, namespace) DO UPDATE SET bytes = excluded.bytes WHERE o.bytes < excluded.bytes)
    SELECT namespace, sum(bytes)::bigint FROM (
      SELECT namespace, bytes FROM given
      UNION ALL SELECT namespace, bytes FROM output_days WHERE day = $2 AND writer <> $1
      UNION ALL SELECT o.namespace, greatest(o.bytes - coalesce(g.bytes, 0), 0) FROM output_days AS o
        LEFT JOIN given AS g ON g.namespace = o.namespace WHERE o.day = $2 AND o.writer = $1) AS counted
    GROUP BY namespace ORDER BY sum(bytes) DESC LIMIT $4`,
} as const;

/** What all processes of a schema have counted. */
export class PostgresUsage implements UsageStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async putOutput({ writer, day, bytes }: CountedOutput): Promise<ReadonlyMap<string, number>> {
    const given = JSON.stringify([...bytes].map(([namespace, count]) => ({ namespace, bytes: count })));
    const rows = await this.#calls.query(putOutput, [writer, day, given, limits.usageNamespaces]);
    return new Map(rows.map(([namespace, count]) => [String(namespace), Number(count)]));
  }
}
