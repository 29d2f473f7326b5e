import { escapeControls } from "#domain/text/controls";
import type { Log, LogFields } from "#ports/telemetry";
import { inWords } from "./in-words.js";

const levels = ["debug", "info", "warn", "error"] as const;
type Level = (typeof levels)[number];

/** True for an object with the methods of a log. */
export function isLog(log: unknown): log is Log {
  if (typeof log !== "object" || log === null) return false;
  const methods = log as Readonly<Record<string, unknown>>;
  return levels.every((level) => typeof methods[level] === "function");
}

/**
 * The default log of `serve`: writes entries from level `lowest` up to stderr, in the formats of the server's log: one
 * JSON object a line, or a readable line if stderr is a terminal.
 */
export function stderrLog(lowest: Level = "info"): Log {
  const render = process.stderr.isTTY ? readableLine : jsonLine;
  return logThrough((level, message, fields = {}) => {
    if (levels.indexOf(level) < levels.indexOf(lowest)) return;
    process.stderr.write(render(level, message, fields, new Date()));
  });
}

/** `{"level":"info","time":"…","workerId":"w1","msg":"connected"}` */
export function jsonLine(level: Level, message: string, fields: LogFields, time: Date): string {
  return `${escapeControls(JSON.stringify({ level, time, ...fields, msg: message }, errorsToo))}\n`;
}

/** `12:03:55.120 info   connected  workerId=w1`; stacks follow in lines of their own, which are indented. */
export function readableLine(level: Level, message: string, fields: LogFields, time: Date): string {
  const isStack = (name: string, value: unknown) => name === "stack" && typeof value === "string";
  const told = Object.entries(fields).filter(([name, value]) => !isStack(name, value));
  const facts = told.map(
    ([name, value]) => `${name}=${brief(value instanceof Error ? value.message : value)}`,
  );
  const head = `${time.toISOString().slice(11, 23)} ${level.padEnd(5)}`;
  const stacks = [
    fields.stack,
    ...told.map(([, value]) => (value instanceof Error ? value.stack : undefined)),
  ];
  const below = stacks
    .filter((stack) => typeof stack === "string")
    .flatMap((stack) => stack.replaceAll("\t", "    ").split("\n"));
  const lines = [`${head} ${[message, ...facts].join("  ")}`, ...below.map((line) => `    ${line}`)];
  return `${lines.map(escapeControls).join("\n")}\n`;
}

function brief(value: unknown): string | undefined {
  const plain = typeof value === "string" && value !== "" && !/[\s"=]/.test(value);
  return plain ? value : JSON.stringify(value, errorsToo);
}

/** A JSON replacer for errors, whose own properties are not enumerable. */
function errorsToo(_: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { type: value.name, message: value.message, stack: value.stack };
}

/** Returns a log that adds `bound` to every entry and never throws: if writing an entry fails, it warns about that. */
export function logWith(log: Log, bound: LogFields): Log {
  return logThrough((level, message, fields) => {
    try {
      log[level](message, { ...bound, ...fields });
    } catch (error) {
      log.warn("a log entry could not be written", { ...bound, why: inWords(error) });
    }
  });
}

function logThrough(write: (level: Level, message: string, fields?: LogFields) => void): Log {
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}
