import { join } from "node:path";
import type { Store } from "#ports/store";
import { memoryStore } from "../memory/index.js";
import { postgresStore } from "../postgres/index.js";
import { sqliteStore } from "../sqlite/index.js";

/** The file of the SQLite store, in the data directory. */
export const DATABASE = "taskrun.db";

export interface StoreSettings {
  /** Or the URL of a PostgreSQL database. */
  readonly store: "sqlite" | "memory" | `postgres://${string}`;
  /** The data directory. */
  readonly data: string;
}

/** The store of a server's settings, not opened yet. */
export function serverStore({ store, data }: StoreSettings): Store {
  if (store === "memory") return memoryStore();
  return store === "sqlite" ? sqliteStore({ path: join(data, DATABASE) }) : postgresStore({ url: store });
}
