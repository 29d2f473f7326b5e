import { join } from "node:path";
import { Fault } from "#domain/fault";
import { isPostgresUrl } from "#domain/postgres-url";
import { DATABASE } from "#stores/shared/server-store";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";
import { loadConfig } from "./settings.js";

/** What says where a store is. */
export interface PlaceOptions {
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/**
 * The file of the store in a data directory, and that directory.
 *
 * @param postgresAdvice what to do instead if the settings name a PostgreSQL database
 * @throws {CliError} if they do
 */
export function fileOf(
  { data, config: file }: PlaceOptions,
  io: Io,
  postgresAdvice: string,
): { readonly path: string; readonly data: string } {
  const flags = data === undefined ? {} : { data };
  const config = loadConfig({ flags, env: io.env, cwd: io.cwd, file });
  if (data === undefined && isPostgresUrl(config.store)) {
    throw new CliError(exit.usage, "the store of these settings is a PostgreSQL database", [postgresAdvice]);
  }
  return { path: join(config.data, DATABASE), data: config.data };
}

/** Shows on a terminal which part of a long work is under way. */
export function progressOn(io: Io, what: string, json = false) {
  const isShown = io.stderr.isTTY && !json;
  return {
    progress: (part: string) => {
      if (isShown) void io.stderr.write(`\r\u001b[K${what} ${oneLine(part)}`);
    },
    clear: async () => {
      if (isShown) await io.stderr.write("\r\u001b[K");
    },
  };
}

/**
 * Runs a work on a store, and turns what it is refused with into an error of the command line.
 *
 * @param next what to do, by the reason or the code of the refusal
 */
export async function refusedKindly<T>(
  work: () => Promise<T>,
  next: Readonly<Record<string, string>>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const advice = next[error.reason] ?? next[error.code];
    const code = error.code === "not_found" ? exit.notFound : exit.failed;
    throw new CliError(code, error.message, advice === undefined ? [] : [advice], error);
  }
}

/** What says where a store of either kind is. */
export interface AnyStoreOptions {
  readonly data?: string;
  readonly store?: string;
  readonly config?: string;
}

/** The store that is meant: the URL of a database, or the file of one in a data directory. @throws {CliError} if it is in memory */
export function placeOf({ data, store, config: file }: AnyStoreOptions, io: Io) {
  const flags = {
    ...(data !== undefined && { data }),
    ...(store !== undefined && { store }),
    // A directory that is named is meant, whatever else the settings name.
    ...(data !== undefined && store === undefined && { store: "sqlite" }),
  };
  const config = loadConfig({ flags, env: io.env, cwd: io.cwd, file });
  if (config.store === "memory")
    throw new CliError(exit.usage, "the store memory is gone with its server", [
      "Choose a data directory with --data DIR, or a database with --store URL.",
    ]);
  return { store: config.store, path: join(config.data, DATABASE) };
}
