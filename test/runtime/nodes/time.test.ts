import { expect, test } from "vitest";
import { noNodes } from "./kit/nodes.js";

test("the store's clock stands for the wall clock: a node that is an hour ahead dates nothing ahead", async () => {
  const nodes = noNodes();
  const ahead = await nodes.start({ wallAhead: 3_600_000 });
  const behind = await nodes.start({ wallAhead: -3_600_000 });
  await nodes.clock.advance(1_000);
  for (const bench of [ahead, behind]) {
    const { task } = await bench.create();
    expect(Math.abs(task.createdAt - nodes.clock.now())).toBeLessThan(100);
  }
});

test("a node that starts dates nothing before what others have written", async () => {
  const nodes = noNodes();
  const a = await nodes.start({ rate: 1.01 });
  await nodes.clock.advance(100_000);
  const first = await a.create();
  const b = await nodes.start({ wallAhead: -5_000 });
  const second = await b.create();
  expect(second.task.createdAt).toBeGreaterThanOrEqual(nodes.clock.now());
  expect(first.task.createdAt - nodes.clock.now()).toBeLessThanOrEqual(1_000);
});
