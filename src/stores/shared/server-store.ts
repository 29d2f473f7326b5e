import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "#ports/store";
import { memoryStore } from "../memory/index.js";
import { postgresStore } from "../postgres/index.js";
import { repair } from "../sqlite/damage/repair.js";
import { sqliteStore } from "../sqlite/index.js";

/** The file of the SQLite store, in the data directory. */
export const DATABASE = "taskrun.db";

export interface StoreSettings {
  /** Or the URL of a PostgreSQL database. */
  readonly store: "sqlite" | "memory" | `postgres://${string}`;
  /** The data directory. */
  readonly data: string;
}

/** The store of a server's settings, not opened yet. Of a database, other servers may use the same schema at the same time. */
export function serverStore({ store, data }: StoreSettings): Store {
  if (store === "memory") return memoryStore();
  if (store === "sqlite") return sqliteStore({ path: join(data, DATABASE) });
  return postgresStore({ url: store, shared: true });
}

/** Before a start: makes the data usable that a server refuses, and says what is gone, a sentence each. */
export async function* repairData({ store, data }: StoreSettings): AsyncGenerator<string> {
  if (store === "sqlite" && existsSync(data)) yield* repair({ path: join(data, DATABASE) });
}
