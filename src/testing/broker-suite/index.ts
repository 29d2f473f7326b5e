import type { NodeId, RunId, SessionId, TaskId } from "#domain/id";
import { laneOf } from "#domain/task/lane";
import { instant } from "#domain/time/time";
import type { Wake } from "#ports/broker";
import type { TestKit } from "../store-suite/kit.js";
import { type BrokerFixture, type BrokerTests, brokerTests, hears, same, until } from "./kit.js";

export type { BrokerFixture };

const ids = ["019c0000-0000-7000-8000-000000000001", "019c0000-0000-7000-8000-000000000002"] as const;
const [taskId, node] = [ids[0] as string as TaskId, ids[1] as string as NodeId];

const everyKind: readonly Wake[] = [
  { type: "log", taskId, lastSeq: 41, ended: false },
  { type: "log", taskId: ids[1] as string as TaskId, lastSeq: 7, ended: true },
  { type: "ready", lane: laneOf("größe", 'a"b', { gpu: "ja" }).key },
  { type: "run", node, runId: ids[0] as string as RunId },
  { type: "worker", node, session: ids[0] as string as SessionId },
  { type: "due", at: instant(1_800_000_000_123) },
  { type: "template", namespace: "n", name: "nightly" },
  { type: "agents" },
  { type: "credentials" },
];

/**
 * Registers the tests that every adapter of the Broker port must pass. They take wakes to be heard once or more, in any
 * order.
 *
 * @param open called once for each test
 * @param kit the test runner's functions
 *
 * @example
 * ```ts
 * import * as fc from "fast-check";
 * import { describe, expect, test } from "vitest";
 * import { localBrokers } from "taskrun/brokers/local";
 * import { brokerSuite } from "taskrun/testing";
 *
 * const open = async () => ({ ...localBrokers(), close: async () => {} });
 * brokerSuite("the local broker", open, { describe, expect, test, fc });
 * ```
 */
export function brokerSuite(name: string, open: () => Promise<BrokerFixture>, kit: TestKit): void {
  const tests = brokerTests(open, kit);
  kit.describe(name, () => {
    hearingTests(tests);
    connectionTests(tests);
  });
}

/** What is heard, by whom. */
function hearingTests({ test, expect, use }: BrokerTests): void {
  test(
    "what one node publishes all others hear, and it does not",
    use(async (join) => {
      const [first, second, third] = [await join(), await join(), await join()];
      first.broker.publish(everyKind);
      await hears(second, everyKind);
      await hears(third, everyKind);
      second.broker.publish([{ type: "due", at: instant(5) }]);
      await hears(first, [{ type: "due", at: instant(5) }]);
      expect(first.heard.filter((wake) => everyKind.some((each) => same(each, wake)))).toEqual([]);
    }),
  );

  test(
    "who begins to listen is told of a gap, and what was published before harms nothing",
    use(async (join, fixture) => {
      const early = fixture.join();
      early.publish(everyKind);
      const first = await join();
      expect(first.gaps > 0).toBe(true);
      await early.close();
      await early.close();
      early.publish(everyKind);
      expect(early.connected).toBe(false);
    }),
  );

  test(
    "a thousand wakes at once arrive, or a gap says that some did not",
    use(async (join) => {
      const [first, second] = [await join(), await join()];
      const before = second.gaps;
      const many = Array.from({ length: 1_000 }, (_, i): Wake => {
        const lane = laneOf("n", `agent-${i}`, { name: "x".repeat(200) }).key;
        return { type: "ready", lane };
      });
      first.broker.publish(many);
      await until(() => second.gaps > before || new Set(second.heard.map(laneIn)).size === 1_000);
    }),
  );

  test(
    "a lane whose key is too long to send is some lane",
    use(async (join) => {
      const [first, second] = [await join(), await join()];
      const { key } = laneOf(
        "n",
        "a",
        Object.fromEntries(many("label", 64).map((l) => [l, "v".repeat(256)])),
      );
      first.broker.publish([{ type: "ready", lane: key }]);
      await until(() => second.heard.some((wake) => wake.type === "ready" && ["", key].includes(wake.lane)));
    }),
  );
}

/** Closing, and what breaks. */
function connectionTests({ test, expect, use }: BrokerTests): void {
  test(
    "publishing returns at once, and the publisher is not called back within it",
    use(async (join) => {
      const [first, second] = [await join(), await join()];
      first.broker.publish(everyKind);
      expect(second.heard).toEqual([]);
      await hears(second, everyKind);
    }),
  );

  test(
    "a closed broker hears nothing, and the others go on",
    use(async (join) => {
      const [first, second, third] = [await join(), await join(), await join()];
      await second.broker.close();
      first.broker.publish(everyKind);
      await hears(third, everyKind);
      expect(second.heard).toEqual([]);
    }),
  );

  test(
    "a broken connection is made again: after it there is a gap, and wakes go both ways",
    use(async (join, fixture) => {
      if (!fixture.cut) return;
      const [first, second] = [await join(), await join()];
      const before = second.gaps;
      await fixture.cut(second.broker);
      await until(() => second.gaps > before && second.broker.connected);
      first.broker.publish(everyKind);
      await hears(second, everyKind);
      second.broker.publish(everyKind);
      await hears(first, everyKind);
    }),
    30_000,
  );
}

function laneIn(wake: Wake): string {
  return wake.type === "ready" ? wake.lane : "";
}

function many(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}
