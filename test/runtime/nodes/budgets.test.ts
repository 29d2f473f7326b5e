/** A budget of a Task whose Runs, and those of the Tasks below it, workers of several servers hold. */
import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { NO_BUDGET, usedOf } from "#domain/task/budget";
import type { TaskRow } from "#domain/task/task";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { begin, register, template } from "../kit/workflow-bench.js";
import { startNodes } from "./kit/nodes.js";

/** What a worker has in hand, as it knows: a Run that it was told to stop it lets go. */
class Hands {
  readonly runs = new Map<string, AssignFrame & { seq: number }>();
  readonly worker: BenchWorker;

  constructor(worker: BenchWorker) {
    this.worker = worker;
  }

  async look(): Promise<void> {
    for (const frame of this.worker.frames.splice(0)) {
      if (frame.type === "assign") this.runs.set(frame.runId, { ...frame, seq: 0 });
      if (frame.type !== "cancel" || !this.runs.delete(frame.runId)) continue;
      await this.worker.report(frame.runId, "CANCELLED");
    }
  }

  async use(runId: string, tokens: number): Promise<void> {
    const run = this.runs.get(runId);
    if (!run) return;
    const used = { model: "m", inputTokens: tokens, outputTokens: 0, cachedTokens: 0, toolCalls: 0 };
    await this.worker.link.receive({
      type: "usage",
      runId: run.runId,
      fence: run.fence,
      seq: run.seq++,
      used,
    });
  }

  async complete(runId: string): Promise<void> {
    const run = this.runs.get(runId);
    this.runs.delete(runId);
    if (run) await this.worker.report(run.runId, "COMPLETED", { output: "1" });
  }
}

function drawing(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
    return state / 2 ** 32;
  };
}

const MOST = 40;
const inner = template([{ name: "a" }, { name: "b" }, { name: "c", dependencies: ["a"] }] as never, {
  name: "inner",
});
const sub = (name: string) => ({
  name,
  type: "child_task",
  child: { template: { name: "inner", version: "1.0.0" } },
});
const outer = template([
  { name: "own" },
  { name: "other" },
  sub("left"),
  sub("right"),
  { name: "last", dependencies: ["own", "left", "right"] },
] as never);

async function story(seed: number) {
  const draw = drawing(seed);
  const nodes = await startNodes(2);
  const [a, b] = nodes.all as [(typeof nodes.all)[0], (typeof nodes.all)[0]];
  const hands = [a, b, b].map((bench, i) => new Hands(bench.worker(`w${i}`, { capacity: 3 })));
  const workers = hands.map(({ worker }) => worker);
  await nodes.settle();
  await register(a, inner);
  const limit = 50 + Math.floor(draw() * 400);
  const { task } = await begin(a, outer, { budget: { ...NO_BUDGET, tokens: limit } });
  const rowOf = async () => (await a.store.reads.task(task.id))?.task as TaskRow;
  const tokensOf = (row: TaskRow) => row.usage?.inputTokens ?? 0;
  const rest = async () => {
    await nodes.pass(10_000, ...workers);
    for (const each of hands) await each.look();
    await nodes.settle();
  };
  await rest();

  let bound = limit;
  for (let round = 0; round < 60; round += 1) {
    const before = await rowOf();
    if (before.state === "complete") return;
    const held = hands.flatMap((each) => [...each.runs.keys()].map((id) => [each, id] as const));
    if (tokensOf(before) >= bound) {
      // Nobody holds a Run any more, and what was used beyond the bound was under way when it was used up.
      expect(held, `seed ${seed}`).toEqual([]);
      bound += 100 + Math.floor(draw() * 200);
      if (bound <= tokensOf(before)) bound = tokensOf(before) + 1;
      const add = bound - (before.budget?.bounds ?? before.spec.budget ?? NO_BUDGET).tokens;
      await b.plane.topUp(LOCAL_CALLER, task.id, { ...NO_BUDGET, tokens: add });
      await rest();
      continue;
    }
    // Each reports once, all before anybody can have heard of the others.
    await Promise.all(held.map(([each, id]) => each.use(id, 1 + Math.floor(draw() * MOST))));
    await nodes.settle();
    const after = tokensOf(await rowOf());
    expect(after - bound, `seed ${seed}`).toBeLessThan(held.length * MOST + 1);
    for (const [each, id] of held) if (after < bound && draw() < 0.2) await each.complete(id);
    await rest();
  }
  expect((await rowOf()).state, `seed ${seed}`).toBe("complete");
}

test("a budget is exceeded by at most one report for each run that was held when it was used up, and all goes on when it is raised: 25 stories", async () => {
  for (let seed = 1; seed <= 25; seed += 1) await story(seed);
}, 60_000);

test("a run at another node ends with its next report, also if the node is lost at once at which the budget was used up", async () => {
  const nodes = await startNodes(2);
  const [a, b] = nodes.all as [(typeof nodes.all)[0], (typeof nodes.all)[0]];
  await register(a, inner);
  const { task } = await begin(a, outer, { budget: { ...NO_BUDGET, tokens: 100 } });
  await nodes.settle();
  const [here, there] = [
    new Hands(a.worker("here", { capacity: 1 })),
    new Hands(b.worker("there", { capacity: 9 })),
  ];
  await nodes.pass(10_000, here.worker, there.worker);
  for (const each of [here, there]) await each.look();
  const [spends] = here.runs.keys();
  const others = [...there.runs.values()];
  expect(others.length).toBeGreaterThan(2);

  await here.use(spends as string, 100);
  await a.settle();
  a.kill();
  // Nobody has told these of it: each of them does, with what it reports next.
  for (const { runId } of others) await there.use(runId, 1);
  await b.settle();
  await there.look();
  expect([...there.runs.keys()]).toEqual([]);
  const used = (await b.store.reads.task(task.id))?.task.usage?.inputTokens;
  expect(used).toBe(100 + others.length);
});

test("the time of runs held at several nodes counts together, and of those of a lost node until it is known that they are lost", async () => {
  const nodes = await startNodes(2);
  const [a, b] = nodes.all as [(typeof nodes.all)[0], (typeof nodes.all)[0]];
  await register(a, inner);
  const wallMs = 300_000;
  const { task } = await begin(a, outer, { budget: { ...NO_BUDGET, wallMs } });
  await nodes.settle();
  const [here, there] = [a.worker("here", { capacity: 2 }), b.worker("there", { capacity: 3 })];
  const rowOf = async () => (await a.store.reads.task(task.id))?.task as TaskRow;
  /** How many Runs of the tree are held, by their rows. */
  const recount = async () => {
    const { steps = [], runs = [] } = (await a.store.reads.task(task.id)) ?? {};
    const below = steps.flatMap(({ childId }) => (childId === "" ? [] : [childId]));
    const others = await Promise.all(below.map((id) => a.store.reads.task(id)));
    const all = [...runs, ...others.flatMap((detail) => detail?.runs ?? [])];
    return all.filter(({ heldBy }) => heldBy !== "").length;
  };
  await nodes.pass(10_000, here, there);
  expect([(await rowOf()).heldTime?.held, await recount()]).toEqual([5, 5]);
  const before = usedOf(await rowOf(), a.clock.now()).wallMs;
  await nodes.pass(20_000, here, there);
  expect(usedOf(await rowOf(), a.clock.now()).wallMs - before).toBe(5 * 20_000);

  // The node is lost, and its worker with it: other nodes find its Runs lost, and begin them anew.
  b.kill();
  await nodes.pass(100_000, here);
  const held = await recount();
  expect((await rowOf()).heldTime?.held).toBe(held);
  await nodes.pass(100_000, here);
  expect(await nodes.show(task.id)).toMatch(/^blocked_by_failures/);
  expect([(await rowOf()).heldTime?.held, await recount()]).toEqual([2, 2]);
  for (const frame of here.frames.splice(0)) {
    if (frame.type === "cancel") await here.report(frame.runId, "CANCELLED");
  }
  await nodes.pass(5_000, here);
  const { ms = 0, held: left } = (await rowOf()).heldTime ?? {};
  expect([left, await recount()]).toEqual([0, 0]);
  expect(ms).toBeGreaterThanOrEqual(wallMs);
});
