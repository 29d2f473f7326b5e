/**
 * The settings of a server: what each is called, means and may be. Every value goes through the same schema, so
 * that a mistake is reported alike wherever it was made, before anything starts. Where values come from (flags,
 * the environment, a file) is `cli/settings.ts`.
 */
import { resolve } from "node:path";
import { z } from "zod";
import { DURATION_ADVICE, readDuration } from "#domain/duration";
import { limits } from "#domain/limits";
import type { Millis } from "#domain/time";

/** A setting or the place it stands in is wrong; the message says which, and what would be right. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** `500ms`, `3s`, `2m`, `1h` or `7d` in milliseconds; a bare number has no unit and is refused. */
export function parseDuration(text: string): Millis {
  const duration = readDuration(text);
  if (duration === undefined) throw new ConfigError(`"${text}" is not a duration; ${DURATION_ADVICE}`);
  return duration;
}

/** A length of time between two bounds, given in the words of {@link parseDuration}. */
function duration(least: string, most: string) {
  const bounds = { least: parseDuration(least), most: parseDuration(most) };
  // In a file a length of time is easily written as a bare number.
  const error = ({ input }: { readonly input?: unknown }) =>
    `write a duration in quotes, for example "${typeof input === "number" ? input : 30}s"`;
  return z.string({ error }).transform((text, { issues }): Millis => {
    const problem = (message: string) => {
      issues.push({ code: "custom", message, input: text });
      return z.NEVER;
    };
    try {
      const value = parseDuration(text);
      const fits = value >= bounds.least && value <= bounds.most;
      return fits ? value : problem(`"${text}" is out of range: ${least} to ${most}`);
    } catch (thrown) {
      return problem((thrown as ConfigError).message);
    }
  });
}

/** `HOST:PORT`, IPv6 in brackets; port 0 lets the system choose. */
const address = z.string("is no text; write addresses in quotes").refine((text) => {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN);
  return port <= 65_535;
}, "is not HOST:PORT; write for example 127.0.0.1:50051 or [::1]:50051");

/** An address per listener, and not so many that it can only be a mistake. */
const addresses = z
  .array(address, 'write a list of addresses, for example ["127.0.0.1:50051"]')
  .max(16, "has more than 16 addresses");

/** One of some words. */
function oneOf<const Word extends string>(words: readonly Word[]) {
  return z.enum(words, { error: ({ input }) => `${JSON.stringify(input)} is none of ${words.join(", ")}` });
}

/** A whole number between two bounds. From a flag or a variable it comes as text. */
function count(least: number, most: number) {
  const advice = `is out of range: write a whole number from ${least} to ${most}`;
  return z
    .union([z.number(), z.string().regex(/^\d{1,9}$/)], advice)
    .transform(Number)
    .pipe(z.int(advice).min(least, advice).max(most, advice));
}

const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Retention may not be shorter than an idempotency key is promised to hold. */
const RETENTION_LEAST = `${limits.retentionMin / parseDuration("1h")}h`;

interface Setting {
  readonly schema: z.ZodType;
  /** As it would stand in the file. */
  readonly fallback: unknown;
  /** One sentence for `--help` and the documentation. */
  readonly help: string;
  /** Range or choices, in the words of the file. */
  readonly range: string;
}

/** Every setting by its name in the file. A flag is `--name`, a variable `TASKRUN_NAME` with `_` for `-`. */
export const settings = {
  data: {
    schema: z.string("write a path in quotes").min(1, "is empty; name a directory"),
    fallback: ".taskrun",
    help: "Directory of everything durable; made if it does not exist.",
    range: "a path, from the working directory",
  },
  store: {
    schema: oneOf(["sqlite", "memory"]),
    fallback: "sqlite",
    help: "What keeps the tasks; memory forgets them when the server stops.",
    range: "sqlite or memory",
  },
  grpc: {
    schema: addresses.min(1, "is empty; workers and clients need at least one address"),
    fallback: ["127.0.0.1:50051", "[::1]:50051"],
    help: "Addresses of the gRPC listener.",
    range: "1 to 16 of HOST:PORT; port 0 is any free one",
  },
  http: {
    schema: addresses,
    fallback: ["127.0.0.1:8080", "[::1]:8080"],
    help: "Addresses of the HTTP listener: Connect, gRPC-Web, gRPC, metrics and health.",
    range: "0 to 16 of HOST:PORT; off, or [] in the file, closes the listener",
  },
  "allowed-hosts": {
    schema: z
      .array(
        z.string("is no text; write names in quotes").min(1, "is empty"),
        "write a list of names in quotes",
      )
      .max(64, "has more than 64 names"),
    fallback: [],
    help: "Names beside those of the loopback under which the HTTP listener may be asked.",
    range: "0 to 64 host names",
  },
  insecure: {
    schema: z.boolean("write true or false"),
    fallback: false,
    help: "Listen beyond the loopback without TLS and authentication: everybody who reaches the port may do everything.",
    range: "true or false",
  },
  connections: {
    schema: count(1, 100_000),
    fallback: limits.connections,
    help: "Connections that the gRPC listeners hold together, and again the HTTP listeners; more are closed at once.",
    range: "1 to 100000",
  },
  "connections-per-address": {
    schema: count(1, 100_000),
    fallback: limits.connectionsPerAddress,
    help: "Of them, those of one remote address that has not said hello; the loopback is not counted.",
    range: "1 to 100000",
  },
  lease: {
    schema: duration("500ms", "1h"),
    fallback: "30s",
    help: "How long a worker may be silent before its runs are lost.",
    range: "500ms to 1h, at least two heartbeats",
  },
  heartbeat: {
    schema: duration("50ms", "10m"),
    fallback: "5s",
    help: "How often a worker is asked to speak.",
    range: "50ms to 10m",
  },
  "public-lease": {
    schema: duration("1s", "1h"),
    fallback: "90s",
    help: "The lease of a worker that speaks the public protocol only, and is told no terms.",
    range: "1s to 1h",
  },
  retention: {
    schema: duration(RETENTION_LEAST, "3650d"),
    fallback: "7d",
    help: "How long an ended task is kept, and its idempotency key with it.",
    range: `${RETENTION_LEAST} to 3650d`,
  },
  "accept-clock": {
    schema: z.boolean("write true or false"),
    fallback: false,
    help: "The wall clock is right although it is more than 7 days from what the data directory remembers; for one start.",
    range: "true or false",
  },
  environment: {
    schema: z
      .string("write a name in quotes")
      .regex(/^[A-Za-z0-9_-]{1,64}$/, "is not 1 to 64 letters, digits, _ or -"),
    fallback: "development",
    help: "Whose overrides of a template its tasks run with.",
    range: "1 to 64 letters, digits, _ or -",
  },
  templates: {
    schema: z.string("write a path in quotes"),
    fallback: "",
    help: "Directory of templates to register, at the start and whenever a file in it changes.",
    range: "a path, from the working directory; empty for none",
  },
  "log-level": {
    schema: oneOf(logLevels),
    fallback: "info",
    help: "The least important log lines to write.",
    range: logLevels.join(", "),
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as SettingName[];

/** All settings of a server, checked. Times are milliseconds. */
export interface ServerConfig {
  /** Absolute path. */
  readonly data: string;
  readonly store: "sqlite" | "memory";
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly insecure: boolean;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly lease: Millis;
  readonly heartbeat: Millis;
  readonly publicLease: Millis;
  readonly retention: Millis;
  readonly acceptClock: boolean;
  readonly environment: string;
  /** Absolute path, or empty. */
  readonly templates: string;
  readonly logLevel: LogLevel;
}

type Checked<Name extends SettingName> = z.output<(typeof settings)[Name]["schema"]>;

/**
 * A whole configuration from the values that are given and the defaults of all others.
 *
 * @param origin where a setting was given, in words that lead the reader there
 * @throws {ConfigError} naming everything that is wrong, a line each
 */
export function serverConfig(
  given: Readonly<Partial<Record<SettingName, unknown>>> = {},
  origin: (name: SettingName) => string = (name) => name,
): ServerConfig {
  const problems: string[] = [];
  const setting = <Name extends SettingName>(name: Name): Checked<Name> => {
    const { schema, fallback } = settings[name];
    const value = given[name] ?? fallback;
    const parsed = schema.safeParse(value);
    for (const { path, message } of parsed.error?.issues ?? []) {
      const element = Array.isArray(value) && path.length > 0 ? value[Number(path[0])] : undefined;
      problems.push(`${origin(name)}: ${element === undefined ? "" : `"${element}" `}${message}`);
    }
    return (parsed.success ? parsed.data : schema.parse(fallback)) as Checked<Name>;
  };

  const config: ServerConfig = {
    data: resolve(setting("data")),
    store: setting("store"),
    grpc: setting("grpc"),
    http: setting("http"),
    allowedHosts: setting("allowed-hosts"),
    insecure: setting("insecure"),
    connections: setting("connections"),
    connectionsPerAddress: setting("connections-per-address"),
    lease: setting("lease"),
    heartbeat: setting("heartbeat"),
    publicLease: setting("public-lease"),
    retention: setting("retention"),
    acceptClock: setting("accept-clock"),
    environment: setting("environment"),
    templates: setting("templates") && resolve(setting("templates")),
    logLevel: setting("log-level"),
  };
  problems.push(...contradictions(config));
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return config;
}

/** What no single setting can see. */
function contradictions({ lease, heartbeat, grpc, http, insecure }: ServerConfig): string[] {
  const open = [...grpc, ...http].filter((text) => !isLoopback(text));
  return [
    ...(2 * heartbeat > lease
      ? [
          `heartbeat (${heartbeat} ms) is more than half of lease (${lease} ms): one late beat would lose every run`,
        ]
      : []),
    ...(open.length > 0 && !insecure
      ? [
          `${open.join(", ")} can be reached from other machines, without TLS and authentication; say --insecure if you mean it`,
        ]
      : []),
  ];
}

/** True if only this machine can reach the address. */
function isLoopback(text: string): boolean {
  const host = text.slice(0, text.lastIndexOf(":"));
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
