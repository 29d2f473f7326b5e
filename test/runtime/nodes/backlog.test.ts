import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import type { BenchPlane } from "../kit/bench-plane.js";
import { type Nodes, noNodes, startNodes } from "./kit/nodes.js";

/** How long a claim keeps a ready Step from other nodes. */
const CLAIM = limits.claimLease;

/** The node hears which lanes the store has, as a wake or its poll tells it. */
async function hears({ memory, settle }: Nodes, ...benches: readonly BenchPlane[]): Promise<void> {
  const { lanes } = await memory.whole.boot();
  for (const { supervisor } of benches) supervisor.lanesHeard(lanes, true);
  await settle();
}

async function two() {
  const nodes = await startNodes(2);
  const [a, b] = nodes.all as [BenchPlane, BenchPlane];
  return { ...nodes, a, b };
}

test("a step that another node has taken takes no slot of this one", async () => {
  const nodes = await two();
  const { a, b, show, settle } = nodes;
  const first = await a.create();
  expect(a.supervisor.core.memory.backlog.views()).toEqual([]);
  const there = b.worker("w2", { capacity: 1 });
  await hears(nodes, b);
  expect(there.assigned()).toMatchObject({ taskId: first.task.id });

  const here = a.worker("w1", { capacity: 1 });
  await settle();
  const second = await a.create();
  await settle();
  expect(here.assigned()).toMatchObject({ taskId: second.task.id });
  expect(await show(first.task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
});

test("a step that another node takes between the decision and the commit leaves the backlog, and the next one gets the slot", async () => {
  const nodes = noNodes();
  let spring: (() => Promise<void>) | undefined;
  const refused: number[] = [];
  const a = await nodes.start({
    through: (store): Store => ({
      ...store,
      // No claim keeps the nodes apart: only the rows do.
      ready: (lane, limit) => nodes.memory.whole.ready(lane, limit),
      commit: async (turn) => {
        const trap = turn.runs.length > 0 ? spring : undefined;
        if (trap) spring = undefined;
        await trap?.();
        return store.commit(turn).catch((error: unknown) => {
          refused.push(turn.runs.length);
          throw error;
        });
      },
    }),
  });
  const b = await nodes.start();
  const [first, second] = [await a.create(), await a.create()];
  const there = b.worker("w2", { capacity: 1 });
  await nodes.settle();
  spring = () => hears(nodes, b);
  const here = a.worker("w1", { capacity: 1 });
  await nodes.clock.advance(1);
  await nodes.settle();
  expect(there.assigned()).toMatchObject({ taskId: first.task.id });
  expect(here.assigned()).toMatchObject({ taskId: second.task.id });
  expect(refused).toEqual([1]);
});

for (const creator of ["the same node", "another node"] as const) {
  test(`a step of ${creator} that is claimed and then ends elsewhere does not stand before the others`, async () => {
    const nodes = await two();
    const { a, b, settle } = nodes;
    const made = [];
    for (let i = 0; i < 3; i += 1) made.push((await (creator === "another node" ? b : a).create()).task.id);
    // It has two slots, but room for the bytes of one assignment: the second Step is claimed, and stays.
    const slow = a.worker("w1", { capacity: 2 });
    slow.transport.unsentBytes = limits.unsentPerWorkerBytes - 1;
    slow.transport.reads = false;
    await hears(nodes, a);
    expect(slow.assigned()).toMatchObject({ taskId: made[0] });
    expect(a.supervisor.core.memory.backlog.views().flatMap(({ ready }) => ready)).toMatchObject([
      { taskId: made[1] },
    ]);
    await b.cancel(made[1] as TaskId);
    slow.transport.unsentBytes = 0;
    a.supervisor.drained();
    await settle();
    await settle();
    expect(slow.assigned()).toMatchObject({ taskId: made[2] });
  });
}

test("a step that became ready here is taken by a worker that came there", async () => {
  const nodes = await startNodes(3);
  const [, , c] = nodes.all as [BenchPlane, BenchPlane, BenchPlane];
  const tasks = [];
  for (const bench of nodes.all) tasks.push((await bench.create()).task.id);
  const worker = c.worker("w1", { capacity: 3 });
  await hears(nodes, c);
  const assigned = worker.assignments().map(({ taskId }) => taskId);
  expect(assigned.sort()).toEqual(tasks.sort());
});

test("every step of a crowd is assigned once, by whichever node has a slot", async () => {
  const nodes = await startNodes(3);
  const { all, settle } = nodes;
  const workers = all.map((bench, i) => bench.worker(`w${i}`, { capacity: 20 }));
  await settle();
  const made = await Promise.all(Array.from({ length: 60 }, (_, i) => all[i % 3]?.create()));
  await hears(nodes, ...all);
  const assigned = workers.flatMap((worker) => worker.assignments().map(({ taskId }) => taskId));
  expect(assigned.sort()).toEqual(made.map((each) => each?.task.id).sort());
});

test("a lane whose last step another node has taken is no lane of anyone", async () => {
  const nodes = await two();
  const { a, b, memory, settle } = nodes;
  const { task } = await a.create();
  const worker = b.worker("w1");
  await hears(nodes, b);
  const { runId } = worker.assigned();
  await worker.report(runId, "COMPLETED");
  await settle();
  expect((await memory.whole.boot()).lanes).toEqual([]);
  await hears(nodes, a);
  expect(a.supervisor.core.memory.backlog.size).toBe(0);
  expect(await a.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
});

test("a lane in which others leave steps is not removed by who has seen it empty", async () => {
  const nodes = await two();
  const { a, b, memory } = nodes;
  const [here, there] = [await a.create(), await b.create()];
  await a.cancel(here.task.id);
  expect(a.supervisor.core.memory.backlog.size).toBe(0);
  expect((await memory.whole.boot()).lanes).toHaveLength(1);
  await b.cancel(there.task.id);
  expect((await memory.whole.boot()).lanes).toEqual([]);
});

test("between turns a node holds no ready steps but those that it has claimed, and these not for long", async () => {
  const nodes = noNodes();
  let asked = 0;
  const a = await nodes.start({
    through: (store) => ({
      ...store,
      ready: (lane, limit) => {
        asked += 1;
        return store.ready(lane, limit);
      },
    }),
  });
  const b = await nodes.start();
  const made = [];
  for (let i = 0; i < 5; i += 1) made.push((await b.create()).task.id);
  const { backlog } = a.supervisor.core.memory;
  // The worker lets go of the first one at once: it avoids this worker for a while, and is claimed meanwhile.
  const worker = a.worker("w1", { capacity: 1 });
  await hears(nodes, a);
  const { runId, taskId } = worker.assigned();
  expect(backlog.views()).toEqual([]);
  expect(taskId).toBe(made[0]);
  await worker.link.receive({ type: "decline", runId, reason: "busy" });
  await nodes.settle();
  expect(backlog.views().flatMap(({ ready }) => ready.length)).toEqual([]);
  expect(asked).toBeLessThan(5);
  await nodes.pass(2 * CLAIM, worker);
  const others = b.worker("w2", { capacity: 5 });
  await hears(nodes, b);
  expect(new Set([...worker.assignments(), ...others.assignments()].map((each) => each.taskId))).toEqual(
    new Set(made),
  );
});
