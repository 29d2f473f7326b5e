/**
 * A failure of the store. It fails the whole turn; any other error thrown while deciding fails only the message that is
 * being decided.
 */
export class StoreError extends Error {
  override readonly name = "StoreError";

  constructor(cause: unknown) {
    super("the store has failed", { cause });
  }
}

/** Waits for a read of the store. @throws {StoreError} with the store's error as its cause */
export async function fromStore<Result>(reading: Promise<Result>): Promise<Result> {
  try {
    return await reading;
  } catch (error) {
    throw new StoreError(error);
  }
}
