import { expect, test } from "vitest";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { NodeStore } from "#ports/nodes";
import { Retention } from "#runtime/timers/retention";
import type { BenchPlane } from "../kit/bench-plane.js";
import { noNodes } from "./kit/nodes.js";

const HOUR = 3_600_000;

function retentionOf({ supervisor }: BenchPlane): Retention {
  return new Retention(supervisor.core, supervisor.followed, millis(24 * HOUR));
}

test("rows of nodes and workers that have been gone for an hour are removed, and no others", async () => {
  const nodes = noNodes();
  const [a, b] = [await nodes.start(), await nodes.start()];
  const gone = b.worker("w1");
  await nodes.settle();
  gone.link.closed();
  await nodes.settle();
  await b.supervisor.stop();
  const retention = retentionOf(a);
  retention.start();

  const store = nodes.memory.open();
  const known = async () => (await store.nodes?.list())?.map(({ state }) => state);
  const worker = a.worker("w2");
  await nodes.pass(50 * 60_000, worker);
  expect(await known()).toEqual(["live", "left"]);
  await nodes.pass(30 * 60_000, worker);
  expect(await known()).toEqual(["live"]);
  expect((await store.nodes?.workers(undefined, 10))?.map(({ row }) => row.session.info.workerId)).toEqual([
    "w2",
  ]);
  retention.stop();
});

test("what is removed at once is bounded, and a store that is away only postpones it", async () => {
  const nodes = noNodes();
  const asked: (readonly [number, number])[] = [];
  let away = false;
  const a = await nodes.start({
    through: (store) => ({
      ...store,
      nodes: {
        ...(store.nodes as NodeStore),
        removeGone: async (...args) => {
          asked.push(args);
          if (away) throw new Error("the store is away");
          return limits.goneRemoved;
        },
      },
    }),
  });
  const retention = retentionOf(a);
  expect(await retention.sweepNodes()).toBe(limits.goneBatches * limits.goneRemoved);
  expect(asked).toHaveLength(limits.goneBatches);
  expect(asked[0]).toEqual([limits.goneKept, limits.goneRemoved]);

  away = true;
  retention.start();
  await nodes.pass(2 * limits.retentionEvery + 1_000);
  expect(asked).toHaveLength(limits.goneBatches + 2);
  retention.stop();
});
