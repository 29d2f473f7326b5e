import { Fault } from "#domain/fault";
import type { PostgresUrl } from "#domain/postgres-url";
import type { Connection } from "./connect/connection.js";
import { isServerError } from "./connect/failure.js";
import { migrations } from "./migrations/index.js";

/** The second part of the key of the lock under which a schema is migrated. */
const MIGRATION = 3;

const VERSION = "SELECT count(*)::int, coalesce(max(version), 0) FROM migrations";

/**
 * Makes the schema if it is not there, and applies the migrations that it lacks, all or none. Servers that start at the same time do
 * it one after the other.
 *
 * @throws {Fault} reason `STORE_TOO_NEW` if a later release has migrated it; `STORE_DENIED` if the user may not
 */
export async function migrate(connection: Connection, { schema, shown }: PostgresUrl): Promise<void> {
  const known = migrations.length;
  if ((await versionOf(connection, schema)) === known) return;
  try {
    await connection.script("BEGIN");
    const lock = { text: `SELECT pg_advisory_xact_lock(hashtext($1), ${MIGRATION})` };
    await connection.query(lock, [schema]);
    const version = await versionOf(connection, schema);
    if (version > known) throw tooNew(shown, version, known);
    await connection.script(scriptFrom(schema, version));
    await connection.script("COMMIT");
  } catch (error) {
    await connection.script("ROLLBACK").catch(() => {});
    if (!isServerError(error) || error.code !== "42501") throw error;
    const message = `${shown}: ${error.message}; grant it, or create the schema ${schema} and make this user its owner`;
    throw new Fault("invalid", message, { reason: "STORE_DENIED", cause: error });
  }
}

function scriptFrom(schema: string, version: number): string {
  const steps = migrations.slice(version).map((sql, i) => {
    return `${sql}\nINSERT INTO migrations (version) VALUES (${version + i + 1});`;
  });
  if (version > 0) return steps.join("\n");
  // Asked first: a user who may not create schemas may still own one that is there.
  const making = `DO $$ BEGIN IF to_regnamespace('"${schema}"') IS NULL THEN CREATE SCHEMA "${schema}"; END IF; END $$;
    CREATE TABLE migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());`;
  return [making, ...steps].join("\n");
}

/** 0 if there is none. */
async function versionOf(connection: Connection, schema: string): Promise<number> {
  const text = "SELECT to_regclass($1) IS NOT NULL";
  const [there] = await connection.query({ text }, [`"${schema}".migrations`]);
  if (there?.[0] !== true) return 0;
  const [row] = await connection.query({ text: VERSION });
  return Number(row?.[1]);
}

function tooNew(shown: string, version: number, known: number): Fault {
  const message = `${shown} is at schema ${version}, made by a later release; this one knows ${known}: start that release or a later one`;
  return new Fault("invalid", message, { reason: "STORE_TOO_NEW" });
}
