import { createRequire } from "node:module";
import type { Comments } from "./schemas.js";

/** What a test has asked of an operation, and what has come of it. */
export interface Recording {
  /** The variables of the path, by name. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What was answered, if nothing was wrong. */
  readonly answer?: unknown;
  /** The statuses of all failures that were produced, and 304. */
  readonly failures: readonly number[];
}

/** By method and path, as `GET /v1/workers`. */
export type Records = Readonly<Record<string, Recording>>;

const packageOf = createRequire(import.meta.url);

/** What the tests of the routes have seen: examples, and the failures of each operation. */
export function readRecords(): Records {
  return packageOf("#proto/taskrun/v1/rest.json") as Records;
}

/** What the protos say, which the descriptors of programs leave out. */
export function readComments(): Comments {
  return packageOf("#proto/taskrun/v1/comments.json") as Comments;
}
