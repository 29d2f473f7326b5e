/**
 * A store's own failure, on its way out of whatever was being decided. It fails the turn; anything else that is
 * thrown while deciding is a fault of one message and concerns that message alone.
 */
export class StoreError extends Error {
  override readonly name = "StoreError";

  constructor(cause: unknown) {
    super("the store has failed", { cause });
  }
}

/** Marks what a store throws. */
export async function fromStore<Result>(reading: Promise<Result>): Promise<Result> {
  try {
    return await reading;
  } catch (error) {
    throw new StoreError(error);
  }
}
