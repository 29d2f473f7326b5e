import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { destination, type Logger, pino, stdSerializers } from "pino";
import { escapeControls } from "#domain/text/controls";
import type { Log, LogFields } from "#ports/telemetry";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Receives whole lines, each with its newline. */
export interface LogSink {
  write(line: string): unknown;
}

export interface LogOptions {
  readonly level?: LogLevel;
  /** Fields every line carries, e.g. `{ part: "server" }`. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Default: stderr, because stdout is for results. */
  readonly sink?: LogSink;
  /** Readable lines instead of JSON. Default: whether stderr is a terminal. */
  readonly readable?: boolean;
}

/** Fields whose values are redacted, at the top of an entry and one level below. */
const secretFields = [
  "authorization",
  "cookie",
  "password",
  "passphrase",
  "secret",
  "token",
  "access_token",
  "apiKey",
  "api_key",
  "privateKey",
  "private_key",
] as const;

/** Creates the server's log: JSON lines, or readable ones on a terminal, with secrets redacted. */
export function createLog(options: LogOptions = {}): Logger {
  const terminal = process.stderr as Partial<WriteStream>;
  const { level = "info", base = {}, readable: isReadable = terminal.isTTY === true } = options;
  // Written synchronously, so that the last entries of a failing process are not lost.
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
      hooks: { streamWrite: isReadable ? (line) => readable(line, colors) : sanitize },
    },
    sink,
  );
}

/** Escapes the control characters that JSON does not. */
function sanitize(line: string): string {
  return `${withoutSecrets(escapeControls(line.trimEnd()))}\n`;
}

/** API keys and tokens as they read, and what a URL has as one, wherever they stand: in an error of a library, say. */
const SECRETS =
  /\btr_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}\b|\btrw\.[\w-]+\.[\w-]+|(?<=access_token=)[^&\s"']+/g;

function withoutSecrets(line: string): string {
  return line.replace(SECRETS, "[redacted]");
}

const paint = { warn: "yellow", error: "red", fatal: "red" } as const;

/**
 * Formats an entry as `12:03:55.120 warn  message  key=value …`, without control characters. Stacks follow, in lines
 * that are indented, so that none of them can pass for an entry.
 */
function readable(line: string, colors: boolean): string {
  const { level, time, msg = "", ...fields } = JSON.parse(line);
  const isStack = (name: string, value: unknown) => name === "stack" && typeof value === "string";
  const facts = Object.entries(fields).filter(([name, value]) => !isStack(name, value));
  const rest = facts.map(
    ([name, value]) => `${name}=${brief(stackIn(value) === undefined ? value : messageOf(value))}`,
  );
  const stacks = [fields.stack, ...facts.map(([, value]) => stackIn(value))];
  const texts = stacks.filter((stack) => typeof stack === "string");
  const below = texts
    .flatMap((text) => text.replaceAll("\t", "    ").split("\n"))
    .map((each) => `    ${escapeControls(each)}\n`);

  const color = paint[level as keyof typeof paint];
  const shownLevel = String(level).padEnd(5);
  const head = `${String(time).slice(11, 23)} ${colors && color ? styleText(color, shownLevel) : shownLevel}`;
  return `${head} ${escapeControls([msg, ...rest].join("  "))}\n${below.join("")}`;
}

/** The stack of an error, as it was serialized. */
function stackIn(value: unknown): string | undefined {
  const { stack } = (value ?? {}) as { stack?: unknown };
  return typeof stack === "string" ? stack : undefined;
}

function messageOf(error: unknown): unknown {
  return (error as { message?: unknown }).message ?? error;
}

function brief(value: unknown): string {
  if (typeof value === "string") return value === "" || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value);
}

/** Adapts a pino logger, which takes its arguments in the other order, to the Log port. */
export function logPort(log: Logger): Log {
  const at = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: LogFields) =>
    fields === undefined ? log[level](message) : log[level](fields, message);

  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
