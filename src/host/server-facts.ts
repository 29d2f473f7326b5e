import { createRequire } from "node:module";
import { isPostgresUrl, parsePostgresUrl } from "#domain/postgres-url";
import { limits } from "#limits/index";

const { version } = createRequire(import.meta.url)("#package.json") as { version: string };

/** The settings that facts are made of. */
export interface FactSettings {
  /** `sqlite`, `memory`, or the URL of a database. */
  readonly store: string;
  readonly jwtKeys: string;
  readonly jwtIssuer: string;
  readonly jwtAudience: readonly string[];
  readonly jwtAlgorithms: readonly string[];
}

/** What a server of these settings tells of itself to operators: nothing of where it is, and no secret. */
export function factsOf({ store, jwtKeys, jwtIssuer, jwtAudience, jwtAlgorithms }: FactSettings) {
  const tokens = { issuer: jwtIssuer, audience: jwtAudience, algorithms: jwtAlgorithms };
  return { version, ...storeFacts(store), ...(jwtKeys !== "" && { tokens }) };
}

function storeFacts(store: string) {
  if (store === "memory") return { store: "memory", storeConnections: 0 } as const;
  if (store === "sqlite") return { store: "sqlite", storeConnections: SQLITE_CONNECTIONS } as const;
  const pool = isPostgresUrl(store) ? parsePostgresUrl(store).pool : undefined;
  const storeConnections = (pool ?? limits.postgresReaders) + limits.postgresWriters;
  return { store: "postgres", storeConnections } as const;
}

/** One thread writes and loads turns, one serves clients' reads. */
const SQLITE_CONNECTIONS = 2;
