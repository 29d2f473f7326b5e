import { join } from "node:path";
import type { Store } from "#ports/store";
import { memoryStore } from "../memory/index.js";
import { sqliteStore } from "../sqlite/index.js";

/** The file of the SQLite store, in the data directory. */
export const DATABASE = "taskrun.db";

export interface StoreSettings {
  readonly store: "sqlite" | "memory";
  /** The data directory. */
  readonly data: string;
}

/** The store of a server's settings, not opened yet. */
export function serverStore({ store, data }: StoreSettings): Store {
  return store === "memory" ? memoryStore() : sqliteStore({ path: join(data, DATABASE) });
}
