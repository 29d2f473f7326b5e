import type { NodeStore } from "#ports/nodes";
import type { Store } from "#ports/store";
import type { TestKit } from "../kit.js";
import { claimTests, laneTests } from "./claims.js";
import { sharedCredentialTests } from "./credentials.js";
import type { SharedFixture, SharedSuite } from "./kit.js";
import { goneNodeTests, goneTests, leaseTests, takeOverTests } from "./leases.js";
import { ofNodesTests, pollTests, sumTests } from "./poll.js";
import { raceTests, togetherTests } from "./together.js";

export type { SharedFixture };

/**
 * Registers the tests that a store must pass besides those of `storeSuite` if several processes write it at the same time.
 *
 * @param open makes an empty store; called once for each test
 * @param kit the test runner's functions
 *
 * @example
 * ```ts
 * import * as fc from "fast-check";
 * import { describe, expect, test } from "vitest";
 * import type { Store } from "taskrun/ports/store";
 * import { type SharedFixture, sharedStoreSuite } from "taskrun/testing";
 *
 * declare function connect(): Promise<Store>;
 *
 * const open = async (): Promise<SharedFixture> => ({
 *   open: connect,
 *   pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
 * });
 * sharedStoreSuite("my store", open, { describe, expect, test, fc });
 * ```
 */
export function sharedStoreSuite(name: string, open: () => Promise<SharedFixture>, kit: TestKit): void {
  const suite: SharedSuite = {
    ...kit,
    async two(body) {
      const fixture = await open();
      const [a, b] = [await fixture.open(), await fixture.open()];
      try {
        await a.boot();
        await b.boot();
        await body({ a, b, nodes: { a: nodesOf(a), b: nodesOf(b) }, pass: (ms) => fixture.pass(ms) });
      } finally {
        await a.close();
        await b.close();
      }
    },
  };

  kit.describe(name, () => {
    togetherTests(suite);
    raceTests(suite);
    claimTests(suite);
    laneTests(suite);
    leaseTests(suite);
    goneNodeTests(suite);
    takeOverTests(suite);
    goneTests(suite);
    pollTests(suite);
    sumTests(suite);
    ofNodesTests(suite);
    sharedCredentialTests(suite);
  });
}

function nodesOf({ nodes }: Store): NodeStore {
  if (!nodes) throw new Error("a store that several processes write has `nodes`");
  return nodes;
}
