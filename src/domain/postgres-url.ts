/** How a connection is encrypted, in the words of PostgreSQL's own clients. */
export const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof sslModes)[number];

/** A PostgreSQL database, as its URL names it. */
export interface PostgresUrl {
  /** Tried in this order; the one that takes writes is used. A host that begins with a slash is the folder of a socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly schema: string;
  readonly applicationName: string;
  readonly sslMode: SslMode;
  /** Paths of PEM files. */
  readonly sslRootCert: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  /** Connections for clients' reads. */
  readonly pool: number | undefined;
  /** The URL for people: without its password. */
  readonly shown: string;
}

const PORT = 5_432;
const parameters = [
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "schema",
  "application_name",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "pool",
  "target_session_attrs",
] as const;

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text);
}

/**
 * Reads a URL such as `postgres://user:password@host1,host2:5433/database?sslmode=verify-full&schema=taskrun`.
 *
 * @throws {RangeError} that says what is wrong with it, and never shows the password
 */
export function parsePostgresUrl(url: string): PostgresUrl {
  const parts = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (!parts) throw new RangeError("is no URL of a database; write postgres://USER@HOST:PORT/DATABASE");
  const [, userInfo = "", hostList = "", path = "", query = ""] = parts;
  const given = parametersOf(query);
  const [userName = "", ...passwordParts] = userInfo.split(":");
  const user = given.get("user") ?? (decoded(userName) || undefined);
  const password = given.get("password") ?? (decoded(passwordParts.join(":")) || undefined);
  const hosts = hostsOf(given.get("host") ?? hostList, given.get("port"));
  const database = given.get("dbname") ?? decoded(path);
  const schema = given.get("schema") ?? "taskrun";
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema) || /^pg_/i.test(schema)) {
    throw new RangeError(`has schema=${schema}; use letters, digits and _, not beginning with pg_`);
  }
  const sslMode = (given.get("sslmode") ?? "prefer") as SslMode;
  if (!sslModes.includes(sslMode)) {
    throw new RangeError(`has sslmode=${sslMode}; use one of ${sslModes.join(", ")}`);
  }
  const target = given.get("target_session_attrs") ?? "read-write";
  if (target !== "read-write" && target !== "primary") {
    throw new RangeError(
      `has target_session_attrs=${target}; a store needs read-write, which is the default`,
    );
  }
  return {
    hosts,
    database: database || user || "postgres",
    user,
    password,
    schema,
    applicationName: given.get("application_name") ?? "taskrun",
    sslMode,
    sslRootCert: given.get("sslrootcert"),
    sslCert: given.get("sslcert"),
    sslKey: given.get("sslkey"),
    pool: poolOf(given.get("pool")),
    shown: withoutPassword(url),
  };
}

/** The URL without its password, for logs and errors. */
export function withoutPassword(url: string): string {
  return url
    .replace(/^(postgres(?:ql)?:\/\/[^/?#@:]*):[^/?#]*@/, "$1@")
    .replace(/([?&])password=[^&#]*&?/, "$1")
    .replace(/[?&]$/, "");
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    const [name = "", ...value] = pair.split("=");
    if (!parameters.some((known) => known === name)) {
      throw new RangeError(`has the unknown parameter "${name}"; known are ${parameters.join(", ")}`);
    }
    given.set(name, decoded(value.join("=")));
  }
  return given;
}

function hostsOf(list: string, ports: string | undefined): PostgresUrl["hosts"] {
  const portList = ports?.split(",") ?? [];
  return list.split(",").map((text, i) => {
    const [, bracketed, plain = "", port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(text) ?? [];
    if (bracketed === undefined && plain === "" && text !== "") {
      throw new RangeError(`has the host "${decoded(text)}"; write HOST or HOST:PORT, IPv6 in brackets`);
    }
    const number = Number(port || portList[i] || portList[0] || PORT);
    if (!(number >= 1 && number <= 65_535)) {
      throw new RangeError(`has the port ${number}; ports are from 1 to 65535`);
    }
    return { host: bracketed ?? (decoded(plain) || "localhost"), port: number };
  });
}

function poolOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const pool = Number(text);
  if (Number.isInteger(pool) && pool >= 1 && pool <= 200) return pool;
  throw new RangeError(`has pool=${text}; write a whole number from 1 to 200`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError("has a % that begins no escape; write %25 for it");
  }
}
