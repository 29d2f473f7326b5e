import { expect, test } from "vitest";
import { instant, millis } from "#domain/time/time";
import type { Store } from "#ports/store";
import type { BenchPlane } from "../kit/bench-plane.js";
import { noNodes } from "./kit/nodes.js";

const A_POLL = 5_000;

/** Three nodes, and how often each has asked for what is due. */
async function three() {
  const nodes = noNodes();
  const asked = [0, 0, 0];
  const lost: number[] = [];
  const planes: BenchPlane[] = [];
  for (const i of [0, 1, 2]) {
    const through = (store: Store): Store => ({
      ...store,
      due: (...args) => {
        asked[i] = (asked[i] as number) + 1;
        return store.due(...args);
      },
      commit: (turn) =>
        store.commit(turn).catch((error: unknown) => {
          lost.push(i);
          throw error;
        }),
    });
    planes.push(await nodes.start({ through }));
  }
  return { ...nodes, planes, asked, lost };
}

test("what becomes due is handled by one node: the others are not given it, and do not ask again and again", async () => {
  const { planes, asked, lost, clock, pass, show } = await three();
  const [a] = planes as [BenchPlane];
  const { task } = await a.create({ agentName: "nobody", timeoutMs: millis(60_000) });
  // All know of it.
  await pass(A_POLL);
  asked.fill(0);
  await pass(59_000);
  expect(await show(task.id)).toBe("error TIMEOUT, cancelled attempts=0");
  expect(lost).toEqual([]);
  const soFar = asked.reduce((sum, each) => sum + each, 0);
  expect(soFar).toBeLessThan(10);
  await clock.advance(1);
});

test("a deadline that a node has taken and not handled is handled by another one when its claim has lapsed", async () => {
  const { planes, memory, asked, clock, pass, show } = await three();
  const [a] = planes as [BenchPlane];
  const startAt = instant(clock.now() + 20_000);
  const { task } = await a.create({ agentName: "nobody", startAt });
  await pass(19_000);
  expect(await show(task.id)).toMatch(/^pending/);
  // A process that is not one of them takes it, and dies.
  const other = memory.open();
  const [taken] = await other.due(startAt, 10);
  expect(taken).toMatchObject({ taskId: task.id });
  asked.fill(0);
  await pass(3_000);
  expect(await show(task.id)).toMatch(/^pending/);
  expect(asked.reduce((sum, each) => sum + each, 0)).toBeLessThan(10);
  await pass(2 * A_POLL);
  expect(await show(task.id)).toMatch(/^enqueuing_steps/);
});
