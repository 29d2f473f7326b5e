import { expect, test } from "vitest";
import type { RunId } from "#domain/id";
import type { NodeStore } from "#ports/nodes";
import type { Store } from "#ports/store";
import { type BenchPlane, LEASE_OF_OURS } from "../kit/bench-plane.js";
import { noNodes, startNodes } from "./kit/nodes.js";

/** By then a node that died is known to be gone, and was taken over. */
const NODE_GONE = 25_000;
const A_POLL = 5_000;

/** The store with some of what it says of nodes changed. */
const withNodes =
  (change: (nodes: NodeStore) => Partial<NodeStore>) =>
  (store: Store): Store => {
    const nodes = store.nodes as NodeStore;
    return { ...store, nodes: { ...nodes, ...change(nodes) } };
  };

for (const comesBack of [true, false]) {
  test(`a node that dies while it takes another one over is taken over with it: a worker that ${comesBack ? "comes back goes on" : "does not is lost"}`, async () => {
    const nodes = noNodes();
    const planes: BenchPlane[] = [];
    const died: number[] = [];
    const a = await nodes.start();
    const before = a.worker("w1");
    await nodes.settle();
    const { task } = await a.create({ maxLosses: 1 });
    const { runId, fence } = before.assigned();

    for (const i of [0, 1]) {
      const through = withNodes((store) => ({
        // Whoever of the two is first has taken over, and knows nothing yet of what there is.
        runsOf: async (...args) => {
          if (died.length === 0) {
            died.push(i);
            planes[i]?.kill();
          }
          return store.runsOf(...args);
        },
      }));
      planes.push(await nodes.start({ through }));
    }
    a.kill();
    await nodes.pass(NODE_GONE);
    expect(died).toHaveLength(1);
    expect(await nodes.show(task.id)).toContain("run ASSIGNED held");

    // The lease of the one that died in the middle ends, too.
    const left = planes[1 - (died[0] as number)] as BenchPlane;
    await nodes.pass(NODE_GONE);
    expect(left.counted("taskrun_nodes_taken_over_total")).toBe(2);
    if (comesBack) {
      const after = left.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
      await nodes.pass(3 * LEASE_OF_OURS, after);
      await after.report(runId, "COMPLETED", { fence });
      await nodes.pass(A_POLL, after);
      expect(await nodes.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
    } else {
      const other = left.worker("w2");
      await nodes.pass(1.5 * LEASE_OF_OURS + A_POLL, other);
      expect(other.assigned()).toMatchObject({ taskId: task.id, fence: 2 });
    }
  });
}

test("of two nodes that find the same dead one at the same time, one takes it over, and nothing is done twice", async () => {
  const nodes = noNodes();
  const answers: boolean[] = [];
  const adopted: RunId[] = [];
  let asking = 0;
  let bothAsk = () => {};
  const both = new Promise<void>((resolve) => {
    bothAsk = resolve;
  });
  const through = (store: Store): Store => ({
    ...withNodes((own) => ({
      takeOver: async (dead, by) => {
        asking += 1;
        if (asking === 2) bothAsk();
        await both;
        const taken = await own.takeOver(dead, by);
        answers.push(taken);
        return taken;
      },
    }))(store),
    commit: async (turn) => {
      for (const run of turn.runs) if (run.status === "ASSIGNED" && run.revision > 1) adopted.push(run.id);
      return store.commit(turn);
    },
  });
  const a = await nodes.start();
  const workers = Array.from({ length: 5 }, (_, i) => a.worker(`w${i}`, { capacity: 1 }));
  await nodes.settle();
  const tasks = [];
  for (let i = 0; i < 5; i += 1) tasks.push((await a.create()).task.id);
  const runs = workers.map((worker) => worker.assigned());
  const [b, c] = [await nodes.start({ through }), await nodes.start({ through })];
  adopted.length = 0;

  a.kill();
  await nodes.pass(NODE_GONE);
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(answers).toHaveLength(2);
  expect(adopted.sort()).toEqual(runs.map(({ runId }) => runId).sort());
  const counts = [b, c].map((bench) => bench.counted("taskrun_nodes_taken_over_total"));
  expect(counts.sort()).toEqual([0, 1]);

  // The workers come back to both of them.
  const back = runs.map(({ runId, fence }, i) =>
    ([b, c][i % 2] as BenchPlane).worker(`w${i}`, { capacity: 1, resume: [{ runId, fence, nextSeq: 0 }] }),
  );
  await nodes.pass(3 * LEASE_OF_OURS, ...back);
  for (const [i, { runId, fence }] of runs.entries()) await back[i]?.report(runId, "COMPLETED", { fence });
  await nodes.pass(A_POLL, ...back);
  for (const id of tasks) expect(await nodes.show(id)).toBe("complete, complete attempts=1, run COMPLETED");
});

test("a run that its worker has taken elsewhere while it was read is not adopted", async () => {
  const nodes = noNodes();
  const a = await nodes.start();
  const before = a.worker("w1");
  await nodes.settle();
  const { task } = await a.create();
  const { runId, fence } = before.assigned();
  const comeBack: (() => Promise<void>)[] = [];
  const b = await nodes.start({
    through: withNodes((store) => ({
      runsOf: async (...args) => {
        const runs = await store.runsOf(...args);
        if (runs.length > 0) await comeBack.pop()?.();
        return runs;
      },
    })),
  });
  const c = await nodes.start({ through: withNodes(() => ({ takeOver: async () => false })) });
  let after = before;
  comeBack.push(async () => {
    after = c.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
    await nodes.settle();
  });
  a.kill();
  await nodes.pass(NODE_GONE);
  if (comeBack.length > 0) throw new Error("nothing was read");
  await nodes.pass(3 * LEASE_OF_OURS, after);
  expect(await nodes.show(task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
  const held = (await nodes.memory.whole.boot()).held;
  expect(held.map(({ node }) => node)).toEqual([c.supervisor.core.node]);
  expect(b.supervisor.core.memory.roster.heldCount).toBe(0);
});

test("what a paused node was about to commit is refused for good, and its client is not told that it was stored", async () => {
  const nodes = noNodes();
  let stop: (() => void) | undefined;
  const ids: string[] = [];
  const a = await nodes.start({
    through: (store) => ({
      ...store,
      commit: async (turn) => {
        const waits = stop;
        stop = undefined;
        if (waits) {
          ids.push(...turn.tasks.map(({ id }) => id));
          await new Promise<void>((resolve) => {
            goOn = resolve;
            waits();
          });
        }
        return store.commit(turn);
      },
    }),
  });
  let goOn = () => {};
  const b = await nodes.start();
  let wake = () => {};
  stop = () => {
    wake = a.pause();
  };
  const created = a.tryCreate().then(
    () => "stored",
    (error: { readonly code: string }) => error.code,
  );
  await nodes.settle();
  expect(ids).toHaveLength(1);
  await nodes.pass(NODE_GONE);
  expect(b.counted("taskrun_nodes_taken_over_total")).toBe(1);
  goOn();
  await nodes.settle();
  wake();
  await nodes.pass(60_000);
  expect(await created).toBe("unavailable");
  expect(await nodes.show(ids[0] as never)).toBe("unknown");
  expect(a.fatal.length).toBeGreaterThan(0);
  expect(a.supervisor.serving).toBe(false);
});

test("a node adopts all that it finds at once, page by page", async () => {
  const { all, pass, settle, memory } = await startNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const worker = a.worker("w1", { capacity: 450 });
  await settle();
  await Promise.all(Array.from({ length: 450 }, () => a.create()));
  await settle();
  expect(worker.assignments()).toHaveLength(450);
  a.kill();
  await pass(NODE_GONE);
  const { held } = await memory.whole.boot();
  expect(held.filter(({ node }) => node === b.supervisor.core.node)).toHaveLength(450);
  expect(b.supervisor.core.memory.roster.heldCount).toBe(450);
  expect(b.counted("taskrun_nodes_taken_over_total")).toBe(1);
});
