import { brand } from "#domain/brand";
import { checkpointBytes } from "#domain/task/report";
import { limits } from "#limits/index";
import { OutputLimitError } from "./error.js";
import { jsonOf } from "./json-of.js";

/**
 * The value that an agent returns to stop at a checkpoint: its Run completes and frees its slot, and the Step continues
 * in another Run, perhaps on another Worker. Made by `ctx.yield`.
 *
 * @example
 * ```ts
 * import type { AgentContext, Yielded } from "taskrun/worker";
 *
 * function pauseAt(page: number, { yield: stopAt }: AgentContext): Yielded {
 *   return stopAt({ page }, `read up to page ${page}`);
 * }
 * ```
 */
export class Yielded {
  /** Where to continue. */
  readonly cursor: unknown;
  /** What has been achieved so far; undefined for nothing. */
  readonly output: unknown;
  /** Both as JSON text. */
  readonly cursorJson: string;
  readonly outputJson: string;

  /** @throws {AgentError} if either has no JSON form, or both together exceed the limit of a result */
  constructor(cursor: unknown, output: unknown) {
    this.cursor = cursor;
    this.output = output;
    this.cursorJson = jsonOf(cursor ?? null, "cursor");
    this.outputJson = jsonOf(output, "output at a checkpoint");
    const bytes = checkpointBytes(this.cursorJson, this.outputJson);
    if (bytes <= limits.resultBytes) return;
    const message = `the agent's checkpoint is ${bytes} bytes of JSON, cursor and output together; at most ${limits.resultBytes} can be kept`;
    throw new OutputLimitError(message);
  }
}
brand(Yielded, "Yielded");
