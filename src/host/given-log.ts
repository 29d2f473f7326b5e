import { stdSerializers } from "pino";
import type { Log, LogFields } from "#ports/telemetry";

/**
 * What is used of a logger of pino, or of one with the same methods, such as that of a Fastify application.
 */
export interface PinoLike {
  child(...args: never[]): unknown;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

type Write = Omit<PinoLike, "child">;

const serializers = { err: stdSerializers.err, error: stdSerializers.err, cause: stdSerializers.err };

/**
 * The Log port of a log that the host has given: a logger of pino, which takes its arguments in the other order, or the port
 * itself. An entry that cannot be written is lost, and harms nothing else.
 */
export function givenLog(given: Log | PinoLike): Log {
  const write = isPino(given) ? pinoWriter(given) : portWriter(given);
  const at = (level: keyof Log) => (message: string, fields?: LogFields) => {
    try {
      write(level, message, fields);
    } catch {
      // There is nowhere to report it.
    }
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

type Writer = (level: keyof Log, message: string, fields: LogFields | undefined) => void;

function isPino(given: Log | PinoLike): given is PinoLike {
  return "child" in given && typeof given.child === "function";
}

function pinoWriter(given: PinoLike): Writer {
  const child = given.child as (bindings: object, options: object) => Write;
  const logger = child.call(given, { component: "taskrun" }, { serializers });
  return (level, message, fields = {}) => logger[level](fields, message);
}

function portWriter(given: Log): Writer {
  return (level, message, fields) => given[level](message, fields);
}
