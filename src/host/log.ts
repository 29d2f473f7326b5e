import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { destination, type Logger, pino, stdSerializers } from "pino";
import type { Log, LogFields } from "#ports/telemetry";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** What a line is written to; it comes whole, with its newline. */
export interface LogSink {
  write(line: string): unknown;
}

export interface LogOptions {
  readonly level?: LogLevel;
  /** Fields every line carries, e.g. `{ part: "server" }`. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Defaults to stderr: stdout belongs to results. */
  readonly sink?: LogSink;
  /** One-liners for people instead of JSON. Defaults to whether stderr is a terminal. */
  readonly readable?: boolean;
}

/** Fields whose value is a secret wherever it stands, at the top of a line or one level below. */
const secretFields = [
  "authorization",
  "cookie",
  "password",
  "passphrase",
  "secret",
  "token",
  "apiKey",
  "api_key",
  "privateKey",
  "private_key",
] as const;

/** Lines for machines on stderr, or for people if stderr is a terminal. */
export function createLog(options: LogOptions = {}): Logger {
  const terminal = process.stderr as Partial<WriteStream>;
  const { level = "info", base = {}, readable = terminal.isTTY === true } = options;
  // Written synchronously, so that the last words of a process that ends in an error are not lost.
  const sink = options.sink ?? destination({ dest: 2, sync: true });
  const colors = options.sink === undefined && terminal.hasColors?.() === true;

  return pino(
    {
      level,
      base: { ...base },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err, cause: stdSerializers.err },
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `headers["${field}"]`]),
        censor: "[redacted]",
      },
      hooks: { streamWrite: readable ? (line) => oneLiner(line, colors) : sanitize },
    },
    sink,
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** JSON escapes what lies below a space, but not the second block of control characters terminals obey. */
function sanitize(line: string): string {
  return `${line.trimEnd().replace(controls, escaped)}\n`;
}

const paint = { warn: "yellow", error: "red", fatal: "red" } as const;

/** `12:03:55.120 warn  message  key=value …`: whatever the values are, it stays one line and plain text. */
function oneLiner(line: string, colors: boolean): string {
  const { level, time, msg = "", err, ...fields } = JSON.parse(line);
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${brief(value)}`);
  if (err) rest.push(`err=${brief(err.stack ?? err.message ?? err)}`);

  const color = paint[level as keyof typeof paint];
  const shownLevel = String(level).padEnd(5);
  const head = `${String(time).slice(11, 23)} ${colors && color ? styleText(color, shownLevel) : shownLevel}`;
  return `${head} ${[msg, ...rest].join("  ").replace(controls, escaped)}\n`;
}

function brief(value: unknown): string {
  if (typeof value === "string") return value === "" || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value);
}

/** The Log port over a pino logger, whose own arguments go the other way round. */
export function logPort(log: Logger): Log {
  const at = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: LogFields) =>
    fields === undefined ? log[level](message) : log[level](fields, message);

  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
