import { backlogTests } from "./store-suite-backlog.js";
import { commitTests, keyTests, revisionTests } from "./store-suite-commit.js";
import { graphTests, textTests } from "./store-suite-graph.js";
import type { StoreFixture, Suite, TestKit } from "./store-suite-kit.js";
import { keepingTests, loadTests } from "./store-suite-load.js";
import { logTests } from "./store-suite-log.js";
import { modelTests } from "./store-suite-model.js";
import { readTests } from "./store-suite-reads.js";
import { retentionTests } from "./store-suite-retention.js";
import { templateListTests, templateTests } from "./store-suite-templates.js";

export type { StoreFixture, TestKit };

/**
 * Registers the tests that every adapter of the Store port must pass.
 *
 * @param open makes an empty store; called once for each test
 * @param kit the test runner's functions, and the module `fast-check`
 *
 * @example
 * ```ts
 * import * as fc from "fast-check";
 * import { describe, expect, test } from "vitest";
 * import { memoryStore } from "taskrun/stores/memory";
 * import { storeSuite } from "taskrun/testing";
 *
 * const open = async () => {
 *   const store = memoryStore();
 *   return { store, reopen: async () => store };
 * };
 * storeSuite("the memory store", open, { describe, expect, test, fc });
 * ```
 */
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
    keyTests(suite);
    loadTests(suite);
    keepingTests(suite);
    graphTests(suite);
    textTests(suite);
    backlogTests(suite);
    logTests(suite);
    readTests(suite);
    templateTests(suite);
    templateListTests(suite);
    retentionTests(suite);
    modelTests(suite);
  });
}
