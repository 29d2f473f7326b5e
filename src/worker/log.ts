import type { Log, LogFields } from "#ports/telemetry";

const levels = ["debug", "info", "warn", "error"] as const;
type Level = (typeof levels)[number];

/** What `serve` logs to if it is given nothing else: one line of text on stderr per entry, from `lowest` up. */
export function stderrLog(lowest: Level = "info"): Log {
  const write = (level: Level, message: string, fields: LogFields = {}): void => {
    if (levels.indexOf(level) < levels.indexOf(lowest)) return;
    const details = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
    process.stderr.write(`${level} ${message}${details.join("")}\n`);
  };
  return logThrough(write);
}

/** The same log with `bound` added to every entry. */
export function logWith(log: Log, bound: LogFields): Log {
  return logThrough((level, message, fields) => log[level](message, { ...bound, ...fields }));
}

function logThrough(write: (level: Level, message: string, fields?: LogFields) => void): Log {
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}
