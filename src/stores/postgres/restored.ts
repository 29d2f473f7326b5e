import { randomBytes } from "node:crypto";
import type { Restoration } from "#domain/incarnation";
import { parsePostgresUrl } from "#domain/postgres-url";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Cells } from "./connect/connection.js";
import { failureOf } from "./connect/failure.js";
import { opener } from "./connect/open.js";
import { OwnerSession } from "./connect/session.js";
import { migrate } from "./migrate.js";

export const restored = {
  last: { text: "SELECT id, since FROM restores ORDER BY number DESC LIMIT 1" },
  begin: {
    text: `WITH first AS (SELECT coalesce(max(at), 0) + 1 AS since FROM commits),
      begun AS (INSERT INTO restores (id, since) SELECT $1, since FROM first)
      INSERT INTO commits (id, at) SELECT 'restored ' || $1, since FROM first RETURNING $1, at`,
  },
} as const;

export function restorationFrom([id, since]: Cells): Restoration {
  return { id: String(id), since: instant(Number(since)) };
}

/**
 * Begins a new incarnation of a database that has been restored from a backup: nothing that was assigned before is accepted by the
 * servers that start on it. A database cannot tell by itself that it is an older one.
 *
 * @throws {Fault} reason `STORE_LOCKED` if a server uses it
 */
export async function beginIncarnation(text: string): Promise<Restoration> {
  const url = parsePostgresUrl(text);
  const open = await opener(url);
  const owner = new OwnerSession(open, url.shown, () => {});
  try {
    const connection = await open("restored");
    try {
      await migrate(connection, url);
      await owner.take();
      const id = randomBytes(limits.incarnationBytes).toString("hex");
      const [row = []] = await connection.query(restored.begin, [id]);
      return restorationFrom(row);
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw failureOf(error, url.shown);
  } finally {
    await owner.close();
  }
}
