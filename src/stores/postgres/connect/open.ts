import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import type { ClientConfig, Client as PgClient } from "pg";
import { Fault } from "#domain/fault";
import type { PostgresUrl } from "#domain/postgres-url";
import { limits } from "#limits/index";
import { Connection, loadDriver } from "./connection.js";
import { ConnectionLost, isServerError } from "./failure.js";

/** The oldest release that is supported, as `server_version_num`. */
const OLDEST = 150_000;

/**
 * What each session is told, in one statement. Plans must not depend on statistics, which a new database does not have:
 * every statement finds its rows by an index, from a list of keys.
 */
const settings: Readonly<Record<string, string>> = {
  statement_timeout: String(limits.postgresStatement),
  lock_timeout: String(limits.postgresLock),
  idle_in_transaction_session_timeout: String(limits.postgresStatement),
  tcp_user_timeout: String(limits.postgresSilence),
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  plan_cache_mode: "force_generic_plan",
  jit: "off",
};

const SETUP = `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
  current_setting('server_version_num')::int, current_setting('server_encoding'), pg_backend_pid(),
  (SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()),
  set_config('search_path', $1, false),
  set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
    ELSE current_setting('synchronous_commit') END, false),
  ${Object.keys(settings)
    .map((name, i) => `set_config('${name}', $${i + 2}, false)`)
    .join(", ")}`;

/** Opens sessions with the server of a URL that takes writes. */
export type Open = (purpose: string) => Promise<Connection>;

/** @throws {Fault} `invalid` if a file that the URL names cannot be read */
export async function opener(url: PostgresUrl): Promise<Open> {
  const driver = await loadDriver();
  const ssl = await sslOf(url);
  const connect = async (host: string, port: number, config: ClientConfig) => {
    const { sslMode } = url;
    const isSocket = host.startsWith("/");
    const own = { ...config, host, port };
    if (isSocket || sslMode === "disable" || sslMode === "allow") return connected(driver(own));
    const encrypted = { ...own, ssl: { ...ssl, servername: host } };
    if (sslMode !== "prefer") return connected(driver(encrypted));
    return connected(driver(encrypted)).catch((error: unknown) => {
      if (!(error instanceof Error) || !/does not support SSL/.test(error.message)) throw error;
      return connected(driver(own));
    });
  };

  return async (purpose) => {
    const config = {
      database: url.database,
      ...(url.user !== undefined && { user: url.user }),
      ...(url.password !== undefined && { password: url.password }),
      application_name: `${url.applicationName} ${purpose}`,
      connectionTimeoutMillis: limits.postgresConnect,
      query_timeout: limits.postgresSilence,
      keepAlive: true,
    };
    let failure: unknown;
    for (const { host, port } of url.hosts) {
      try {
        return await setUp(new Connection(await connect(host, port, config)), url.schema);
      } catch (error) {
        if (error instanceof Fault) throw error;
        failure = isServerError(error) ? error : lostOf(error);
      }
    }
    throw failure;
  };
}

/** A host that was not reached has been sent nothing. */
function lostOf(error: unknown): ConnectionLost {
  return new ConnectionLost(error instanceof Error ? error.message : String(error), false, error);
}

async function connected(client: PgClient): Promise<PgClient> {
  // Without a listener an error of the socket would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } };
    connection?.stream?.destroy();
    throw error;
  }
}

async function setUp(connection: Connection, schema: string): Promise<Connection> {
  try {
    const values = [`"${schema}"`, ...Object.values(settings)];
    const [row = []] = await connection.query({ text: SETUP }, values);
    const [isReadOnly, version, encoding, pid, started] = row;
    if (Number(version) < OLDEST) {
      const message = `the server is PostgreSQL ${Math.floor(Number(version) / 10_000)}; use 15 or later`;
      throw new Fault("invalid", message, { reason: "STORE_TOO_OLD" });
    }
    if (encoding !== "UTF8") {
      const message = `the database has the encoding ${encoding}; create one with ENCODING 'UTF8'`;
      throw new Fault("invalid", message, { reason: "STORE_ENCODING" });
    }
    if (isReadOnly === true) throw new ConnectionLost("the server takes no writes", false);
    connection.backend = { pid: Number(pid), started: String(started) };
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** For `require` and `prefer` a connection is encrypted, but it is not checked with whom. */
async function sslOf({ sslMode, sslRootCert, sslCert, sslKey }: PostgresUrl): Promise<ConnectionOptions> {
  const [ca, cert, key] = await Promise.all(
    [
      { name: "sslrootcert", path: sslRootCert },
      { name: "sslcert", path: sslCert },
      { name: "sslkey", path: sslKey },
    ].map(async ({ name, path }) => {
      if (path === undefined) return undefined;
      return readFile(path, "utf8").catch((cause: unknown) => {
        throw new Fault("invalid", `${name}=${path} of the store's URL cannot be read`, { cause });
      });
    }),
  );
  const isChecked =
    sslMode === "verify-ca" || sslMode === "verify-full" || (sslMode === "require" && ca !== undefined);
  return {
    rejectUnauthorized: isChecked,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(sslMode === "verify-ca" && { checkServerIdentity: () => undefined }),
  };
}
