/**
 * What an agent returns to stop at a checkpoint: its run ends, its place is free for others, and its step goes
 * on in another run, perhaps elsewhere. Made by `ctx.yield`.
 */
export class Yielded {
  /** Where to go on. */
  readonly cursor: unknown;
  /** What has been achieved so far; undefined if nothing is to be kept. */
  readonly output: unknown;

  constructor(cursor: unknown, output: unknown) {
    this.cursor = cursor;
    this.output = output;
  }
}
