import type { z } from "zod";
import { DURATION_ADVICE, readDuration } from "#domain/time/duration";
import type { Millis } from "#domain/time/time";

/** What may stand in a setting: its schema, and the same in the words of the file. */
export interface Values<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  /** Range or choices, for `--help` and the documentation. */
  readonly range: string;
}

/** One setting of a server: everything that is known of it. */
export interface Setting extends Values {
  /** The default, as it would stand in the file. */
  readonly fallback: unknown;
  /** What a flag without a value means; absent if it needs one. */
  readonly given?: unknown;
  /** One sentence for `--help` and the documentation. */
  readonly help: string;
  /** A path: what is relative is meant from the working directory. */
  readonly isPath?: true;
}

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
