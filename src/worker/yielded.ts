import { limits } from "#domain/limits";
import { checkpointBytes } from "#domain/report";
import { OutputLimitError } from "./agent-error.js";
import { jsonOf } from "./json-of.js";

/**
 * What an agent returns to stop at a checkpoint: its run ends, its place is free for others, and its step goes
 * on in another run, perhaps elsewhere. Made by `ctx.yield`.
 */
export class Yielded {
  /** Where to go on. */
  readonly cursor: unknown;
  /** What has been achieved so far; undefined if nothing is to be kept. */
  readonly output: unknown;
  /** Both as JSON text. */
  readonly cursorJson: string;
  readonly outputJson: string;

  /** @throws {AgentError} if they cannot be kept: each must be JSON, and both together within the limit of a result */
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
