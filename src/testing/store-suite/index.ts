import { agentTests } from "./agents.js";
import { auditReadTests, auditTests } from "./audit.js";
import { backlogTests } from "./backlog.js";
import { commitTests, keyTests, revisionTests } from "./commit.js";
import { credentialTests, keyLifeTests } from "./credentials.js";
import { deadLetterTests, deadLetterWriteTests } from "./dead-letters.js";
import { authorityTests, enrolmentListTests, enrolmentTests } from "./enrolment.js";
import { copyTests, graphTests, textTests } from "./graph.js";
import { importTests } from "./imports.js";
import { journalRowTests, journalTests } from "./journal.js";
import type { StoreFixture, Suite, TestKit } from "./kit.js";
import { keepingTests, loadTests } from "./load.js";
import { logTests } from "./log.js";
import { modelTests } from "./model.js";
import { overviewTests } from "./overview.js";
import { pauseTests } from "./pauses.js";
import { readTests } from "./reads.js";
import { restsOnTests } from "./rests-on.js";
import { keptTests, retentionTests, ruledTests } from "./retention.js";
import { storageTests } from "./storage.js";
import { templateListTests, templateTests } from "./templates.js";
import { usageTests } from "./usage.js";
import { usageBoundTests, usageSumTests } from "./usage-sums.js";

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
    restsOnTests(suite);
    keyTests(suite);
    loadTests(suite);
    keepingTests(suite);
    graphTests(suite);
    textTests(suite);
    copyTests(suite);
    backlogTests(suite);
    agentTests(suite);
    pauseTests(suite);
    credentialTests(suite);
    keyLifeTests(suite);
    auditTests(suite);
    auditReadTests(suite);
    enrolmentTests(suite);
    enrolmentListTests(suite);
    authorityTests(suite);
    usageTests(suite);
    usageSumTests(suite);
    usageBoundTests(suite);
    deadLetterTests(suite);
    deadLetterWriteTests(suite);
    journalTests(suite);
    journalRowTests(suite);
    logTests(suite);
    readTests(suite);
    overviewTests(suite);
    storageTests(suite);
    templateTests(suite);
    templateListTests(suite);
    importTests(suite);
    retentionTests(suite);
    ruledTests(suite);
    keptTests(suite);
    modelTests(suite);
  });
}
