import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { SessionId, WorkerId } from "#domain/id";
import { limits } from "#limits/index";
import { Journal } from "#runtime/memory/journal";
import { session } from "../../actors/kit/rows.js";
import { type BenchPlane, LEASE_OF_OURS } from "../kit/bench-plane.js";
import { noNodes, startNodes } from "./kit/nodes.js";

/** How long a node that has no wakes may not know that a worker of it has gone to another one. */
const A_POLL = 5_000;

async function two() {
  const nodes = await startNodes(2);
  const [a, b] = nodes.all as [BenchPlane, BenchPlane];
  return { ...nodes, a, b };
}

test("what a node assigns to a session that another one has superseded is taken back, at no cost, and given to the new one", async () => {
  const { a, b, pass, settle, show } = await two();
  const before = a.worker("w1");
  await settle();
  const after = b.worker("w1");
  await settle();
  const { task } = await a.create();
  expect(before.assigned()).toMatchObject({ taskId: task.id, fence: 1 });

  await pass(2 * A_POLL, after);
  expect(before.closed).toHaveLength(1);
  const { runId, fence } = after.assigned();
  expect(fence).toBe(2);
  await after.report(runId, "COMPLETED", { fence });
  await pass(A_POLL, after);
  expect(await show(task.id)).toMatch(/^complete, complete attempts=1, run [^ ]+, run COMPLETED$/);
  expect(a.supervisor.core.memory.roster.rows()).toEqual([]);
});

test("so it is if the node dies before it knows", async () => {
  const { a, b, pass, settle, show } = await two();
  a.worker("w1");
  await settle();
  const after = b.worker("w1");
  await settle();
  const { task } = await a.create();
  a.kill();
  expect(await show(task.id)).toContain("run ASSIGNED held");
  await pass(25_000 + 1.5 * LEASE_OF_OURS + A_POLL, after);
  expect(after.closed).toEqual([]);
  const { runId, fence } = after.assigned();
  await after.report(runId, "COMPLETED", { fence });
  await pass(A_POLL, after);
  expect(await show(task.id)).toMatch(/^complete, /);
  const [only, ...others] = b.supervisor.core.memory.roster.rows();
  expect([only?.state, others]).toEqual(["serving", []]);
});

test("so it is if the worker comes back to the first node before that knows that it was away", async () => {
  const { a, b, pass, settle, show } = await two();
  a.worker("w1");
  await settle();
  const between = b.worker("w1");
  await settle();
  const { task } = await a.create();
  const last = a.worker("w1");
  await pass(2 * A_POLL, last);
  expect(between.closed).toHaveLength(1);
  const { runId, fence } = last.assigned();
  expect(fence).toBe(2);
  await last.report(runId, "COMPLETED", { fence });
  await pass(A_POLL, last);
  expect(await show(task.id)).toMatch(/^complete, complete attempts=1, /);
  expect(a.supervisor.core.memory.roster.rows()).toHaveLength(1);
  expect(a.supervisor.core.memory.roster.heldCount).toBe(0);
});

test("what a worker has taken to another node stays its own when the former node hears of it", async () => {
  const { a, b, pass, settle, show } = await two();
  const before = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId, fence } = before.assigned();
  await before.report(runId, "RUNNING", { fence });
  await settle();
  // The former node remembers the Run as its own session's, and hears only later.
  const after = b.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await pass(2 * A_POLL, after);
  expect(before.closed).toHaveLength(1);
  expect(await show(task.id)).toBe("steps_in_process, in_progress attempts=1, run RUNNING held");
  await after.report(runId, "COMPLETED", { fence });
  await pass(A_POLL, after);
  expect(await show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
});

test("a node that drains a worker that has moved on drains it where it is, and not twice", async () => {
  const { a, b, pass, settle } = await two();
  a.worker("w1");
  await settle();
  const after = b.worker("w1");
  await settle();
  await a.plane.drainWorker(LOCAL_CALLER, "w1" as WorkerId, "maintenance").catch(() => {});
  await pass(3 * A_POLL, after);
  expect(after.closed).toEqual([]);
  expect(after.heard().filter((said) => said === "drain")).toHaveLength(1);
});

test("a node that no longer polls for a lane forgets it when the poll lists all lanes without it", async () => {
  const { a, b, pass, settle } = await two();
  const worker = b.worker("w2", { capacity: 1 });
  const { task } = await a.create({ agentName: "echo" });
  const { task: waiting } = await a.create({ agentName: "nobody" });
  await pass(A_POLL, worker);
  const lanesOf = (bench: BenchPlane) =>
    bench.supervisor.core.memory.backlog.lanes().map(({ agentName }) => agentName);
  expect(worker.assigned()).toMatchObject({ taskId: task.id });
  expect(lanesOf(b)).toContain("nobody");
  await a.cancel(waiting.id);
  await pass(2 * A_POLL, worker);
  await settle();
  expect(lanesOf(b)).not.toContain("nobody");
});

test("a node with more workers than one poll asks for asks for all of them in turn", async () => {
  const asked: string[][] = [];
  const nodes = noNodes();
  const a = await nodes.start({
    through: (store) => ({
      ...store,
      ...(store.nodes && {
        nodes: {
          ...store.nodes,
          poll: (query) => {
            asked.push(query.workers.map(({ key }) => key));
            return (store.nodes as NonNullable<typeof store.nodes>).poll(query);
          },
        },
      }),
    }),
  });
  const count = limits.pollWorkers + 20;
  const { roster } = a.supervisor.core.memory;
  for (let i = 0; i < count; i += 1) {
    const [id, workerId] = [`s${i}`, `w${i}`] as [SessionId, WorkerId];
    roster.attach(session({ id, info: { ...session().info, workerId } }), new Journal());
  }
  asked.length = 0;
  await nodes.pass(3 * A_POLL);
  expect(asked.map((keys) => keys.length)).toEqual(asked.map(() => limits.pollWorkers));
  expect(new Set(asked.flat()).size).toBe(count);
});
