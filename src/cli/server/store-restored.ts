import { isPostgresUrl } from "#domain/postgres-url";
import { beginIncarnation } from "#stores/postgres/restored";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { loadConfig } from "./settings.js";
import { refusedKindly } from "./store-place.js";

export interface StoreRestoredOptions {
  readonly store?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** `store restored`: begins a new incarnation of a PostgreSQL database. */
export async function storeRestored(options: StoreRestoredOptions, io: Io): Promise<ExitCode> {
  const { store, config: file, json } = options;
  const flags = store === undefined ? {} : { store };
  const config = loadConfig({ flags, env: io.env, cwd: io.cwd, file });
  const { store: url } = config;
  if (!isPostgresUrl(url)) {
    const advice = "A data directory is restored by `taskrun store restore`, which says it by itself.";
    throw new CliError(exit.usage, "the store of these settings is no PostgreSQL database", [advice]);
  }
  const { id } = await refusedKindly(() => beginIncarnation(url), {
    STORE_LOCKED: "Stop all servers first.",
  });
  if (json) await io.stdout.write(line({ incarnation: id }));
  else await io.stdout.write(`incarnation ${id} begins: what was assigned before is not accepted\n`);
  return exit.ok;
}
