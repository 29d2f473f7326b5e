import { expect, test } from "vitest";
import { refuse } from "#actors/make-command";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { limits } from "#limits/index";
import type { Commit } from "#ports/store";
import { commit } from "#testing/rows";
import type { BenchPlane } from "../kit/bench-plane.js";
import { noNodes, refusalOf } from "./kit/nodes.js";

/** Two nodes; `before` is called before each commit of the first one. */
async function twoNodes(before: (turn: Commit) => Promise<unknown> = async () => {}) {
  const nodes = noNodes();
  const tried: Commit[] = [];
  const hook = { before };
  const a = await nodes.start({
    through: (store) => ({
      ...store,
      commit: async (turn) => {
        tried.push(turn);
        await hook.before(turn);
        return store.commit(turn);
      },
    }),
  });
  const b = await nodes.start();
  return { ...nodes, a, b, tried, hook };
}

/** Each of the two may be cancelled only while the other one is not: a rule over a row that the decision does not write. */
function onlyOneMayBeCancelled(bench: BenchPlane, one: TaskId, other: TaskId): void {
  const { actors } = bench.supervisor.core;
  const tell = actors.tell.bind(actors);
  actors.tell = (told, view, ...rest) => {
    if (told.message.type === "cancel") {
      const rival = view.task(told.message.taskId === one ? other : one);
      if (rival?.state === "cancelled")
        return [refuse(new Fault("wrong_state", "the other one is cancelled"))];
    }
    return tell(told, view, ...rest);
  };
}

test("a decision that only looked at a row is decided again if that has moved: no two can skew", async () => {
  const { a, b, hook, show, settle } = await twoNodes();
  const [one, other] = [(await a.create()).task.id, (await a.create()).task.id];
  for (const bench of [a, b]) onlyOneMayBeCancelled(bench, one, other);
  hook.before = async () => {
    hook.before = async () => {};
    // Both rows are at hand, because the second message of each turn names the other Task.
    const here = b.cancel(other);
    const there = refusalOf(b.plane.resolve(LOCAL_CALLER, one, "none", { type: "retry" }));
    await Promise.all([here, there]);
  };
  const cancelled = refusalOf(a.cancel(one));
  const resolved = refusalOf(a.plane.resolve(LOCAL_CALLER, other, "none", { type: "retry" }));
  await settle();
  expect(await cancelled).toMatchObject({ code: "wrong_state", message: "the other one is cancelled" });
  expect(await resolved).toMatchObject({ code: "wrong_state" });
  expect([await show(one), await show(other)].map((text) => text.split(/[ ,]/)[0])).toEqual([
    "enqueuing_steps",
    "cancelled",
  ]);
});

test("what a unit has not looked at may move", async () => {
  const { a, b, hook, settle } = await twoNodes();
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  await settle();
  const { runId } = worker.assigned();
  await worker.report(runId, "RUNNING");
  await settle();
  const other = (await b.create()).task.id;
  hook.before = () => b.cancel(other).catch(() => {});
  await worker.output(runId, 0, "one");
  await settle();
  expect(a.counted("taskrun_units_lost_total")).toBe(0);
  expect((await a.log(task.id)).at(-1)).toMatchObject({ type: "output" });
});

/** Moves a Task's row in the memory, as another node would. */
async function move({ memory }: Pick<Awaited<ReturnType<typeof twoNodes>>, "memory">, id: TaskId) {
  const task = (await memory.whole.reads.task(id))?.task;
  if (task) await memory.whole.commit(commit({ tasks: [{ ...task, revision: task.revision + 1 }] }));
}

test("what loses again and again is left for later and decided alone, ever slower; all others are stored meanwhile", async () => {
  const nodes = await twoNodes();
  const { a, tried, hook, settle, clock, show } = nodes;
  const { task } = await a.create();
  let moves = 0;
  let most = 60;
  hook.before = async (turn) => {
    if (!turn.tasks.some(({ id }) => id === task.id) || moves >= most) return;
    moves += 1;
    await move(nodes, task.id);
  };
  const others = Array.from({ length: 5 }, () => a.create());
  const cancelled = a.cancel(task.id);
  await Promise.all(others);
  const [first, ...rest] = tried.slice(1).filter(({ tasks }) => tasks.length > 0);
  expect(first?.tasks.length).toBeGreaterThan(0);
  expect(rest.length).toBeLessThan(limits.conflictRounds + 5);

  await settle();
  const soon = moves;
  expect(soon).toBeLessThan(60);
  await clock.advance(5_000);
  expect((await cancelled).task.state).toBe("cancelled");
  expect(await show(task.id)).toContain("cancelled");
  expect(a.fatal).toEqual([]);

  // For ever: it is refused in the end, and blocks nobody.
  most = Number.POSITIVE_INFINITY;
  const cursed = (await a.create()).task.id;
  hook.before = async (turn) => {
    if (turn.tasks.some(({ id }) => id === cursed)) await move(nodes, cursed);
  };
  const refused = refusalOf(a.cancel(cursed));
  await clock.advance(120_000);
  expect(await refused).toMatchObject({ code: "internal" });
  expect(a.errors()).toHaveLength(1);
  expect((await a.create()).task.state).toBe("enqueuing_steps");
});

test("a message that fails over rows of two moments is decided again over those of one", async () => {
  const { a, b, settle, show } = await twoNodes();
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  await settle();
  const { runId } = worker.assigned();
  await b.cancel(task.id, "there");
  const { actors } = a.supervisor.core;
  const tell = actors.tell.bind(actors);
  const found: unknown[] = [];
  actors.tell = (told, view, ...rest) => {
    if (told.message.type === "report") {
      const status = view.run(told.message.report.runId)?.status;
      found.push(status);
      if (status === "ASSIGNED") throw new Error("rows that contradict each other");
    }
    return tell(told, view, ...rest);
  };
  await worker.report(runId, "RUNNING");
  await settle();
  expect(found).toEqual(["ASSIGNED", "CANCELLED"]);
  expect(a.errors()).toEqual([]);
  expect(await show(task.id)).toContain("cancelled");
});

test("only what may have taken the name is decided again when a name is taken", async () => {
  const { a, b, hook, tried, settle } = await twoNodes();
  const spec = { idempotencyKey: "k" };
  let other: Promise<unknown> | undefined;
  hook.before = async () => {
    hook.before = async () => {
      hook.before = async () => {};
      other = b.create({ ...spec, fingerprint: "another request" });
      await other;
    };
    void Array.from({ length: 10 }, () => a.create());
    conflicting = refusalOf(a.create(spec));
    await settle();
  };
  let conflicting: Promise<Fault> | undefined;
  await a.create();
  await settle();
  await settle();
  expect(await conflicting).toMatchObject({ code: "key_conflict" });
  expect(a.counted("taskrun_units_lost_total")).toBe(2); // the message, and the scheduler's
  expect(tried.at(-1)?.tasks).toHaveLength(10);
});

test("a report over a cached run that another node has cancelled costs one more try", async () => {
  const { a, b, settle, show } = await twoNodes();
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  await settle();
  const { runId } = worker.assigned();
  await b.cancel(task.id, "there");
  await worker.report(runId, "RUNNING");
  await settle();
  expect(a.counted("taskrun_units_lost_total")).toBe(2); // the report, and the scheduler's
  expect(worker.heard()).toContain("cancel");
  expect(await show(task.id)).toContain("run CANCELLED");
});
