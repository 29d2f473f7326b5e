import type * as FastCheck from "fast-check";
import type { Store } from "#ports/store";
import { backlogTests } from "./store-suite-backlog.js";
import { commitTests, revisionTests } from "./store-suite-commit.js";
import { keepingTests, loadTests } from "./store-suite-load.js";
import { logTests } from "./store-suite-log.js";
import { modelTests } from "./store-suite-model.js";
import { readTests } from "./store-suite-reads.js";
import { retentionTests } from "./store-suite-retention.js";

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
  readonly fc: typeof FastCheck;
}

/** One group of tests of one store. `use` boots a fresh one, and closes it when the test is over. */
export interface Suite extends TestKit {
  use(body: (store: Store, reopen: () => Promise<Store>) => Promise<void>): Promise<void>;
}

/** What every adapter of the Store port must do. `open` is called once for each test. */
export function storeSuite(name: string, open: () => Promise<StoreFixture>, kit: TestKit): void {
  const suite: Suite = {
    ...kit,
    async use(body) {
      const fixture = await open();
      let store = fixture.store;
      await store.boot();
      try {
        await body(store, async () => {
          store = await fixture.reopen();
          return store;
        });
      } finally {
        await store.close();
      }
    },
  };

  kit.describe(name, () => {
    commitTests(suite);
    revisionTests(suite);
    loadTests(suite);
    keepingTests(suite);
    backlogTests(suite);
    logTests(suite);
    readTests(suite);
    retentionTests(suite);
    modelTests(suite);
  });
}
