import type { Store } from "#ports/store";

/** A fresh, empty store, not yet booted, and the way to what it holds after a restart. */
export interface StoreFixture {
  readonly store: Store;
  /** Closes what is open and opens it anew, not yet booted. A store that keeps nothing answers with itself. */
  reopen(): Promise<Store>;
}

export interface Matchers {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  readonly rejects: { toMatchObject(expected: object): Promise<void> };
}

/** What a test needs of its runner, so that the suite runs under any with the usual words. */
export interface TestKit {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => Promise<void>, timeoutMs?: number): void;
  expect(actual: unknown): Matchers;
  /** The module `fast-check`: given, because a project that only uses the plane need not have it. */
  readonly fc: object;
  /** How many random sequences of commits are compared with the reference. Default 25; fewer for a store that takes long. */
  readonly sequences?: number;
}

/** One group of tests of one store. `use` boots a fresh one, and closes it when the test is over. */
export interface Suite extends TestKit {
  use(body: (store: Store, reopen: () => Promise<Store>) => Promise<void>): Promise<void>;
}

/** Looks at a store, closes it, and looks again at what is there when it is opened anew. */
export async function nowAndAfterRestart(
  store: Store,
  reopen: () => Promise<Store>,
  look: (store: Store) => Promise<void>,
): Promise<void> {
  await look(store);
  const again = await reopen();
  await again.boot();
  await look(again);
}

/** Values to draw, of one type. */
export interface Arbitrary<T> {
  readonly drawn?: T;
}

/** As much of `fast-check` as the suite uses. */
export interface FastCheck {
  assert(property: unknown, parameters: { readonly numRuns: number }): Promise<void>;
  asyncProperty<T>(drawn: Arbitrary<T>, holds: (value: T) => Promise<void>): unknown;
  array<T>(
    items: Arbitrary<T>,
    length: { readonly minLength: number; readonly maxLength: number },
  ): Arbitrary<T[]>;
  record<T>(fields: { readonly [Name in keyof T]: Arbitrary<T[Name]> }): Arbitrary<T>;
  oneof<T>(
    ...options: readonly { readonly weight: number; readonly arbitrary: Arbitrary<T> }[]
  ): Arbitrary<T>;
  constant<T>(value: T): Arbitrary<T>;
  constantFrom<T>(...values: readonly T[]): Arbitrary<T>;
  integer(range: { readonly min: number; readonly max: number }): Arbitrary<number>;
  boolean(): Arbitrary<boolean>;
}
