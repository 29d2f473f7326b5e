import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { workflow } from "#templates/index";
import { type TestPlane, testPlane } from "#testing/index";
import { agent } from "#worker/index";
import { echo, gated, hanging, reasonOf } from "./kit.js";

test("a worker that dies loses its Run when its lease ends, and the Step fails after max_losses", async () => {
  await using plane = await testPlane({ agents: [hanging], agentPatienceMs: 5 });
  const task = await plane.client.tasks.create({ agent: "hang", maxLosses: 1 });
  await plane.advance(0);

  await plane.worker.kill();
  expect((await reasonOf(plane.ended(task))).waits).toEqual([
    'Step main is held by worker worker-1, which is killed; it is lost in 32s: await plane.advance("32s")',
  ]);
  await plane.advance("31s");
  expect(plane.transcript(task)).not.toContain("WORKER_LOST");
  await plane.advance("1s");
  expect(plane.transcript(task)).toContain("attempt 1: FAILED, WORKER_LOST");
  await plane.worker.start();
  await plane.advance("1m");
  expect(plane.worker.activeRuns).toBe(1);
  await plane.worker.kill();
  const ended = await plane.ended(task, { within: "1m" });

  expect(ended.status).toBe("FAILED");
  expect(ended.steps).toMatchObject([{ losses: 2, maxLosses: 1 }]);
});

test("a connection that comes back within the lease costs nothing", async () => {
  const { agent: work, open } = gated();
  await using plane = await testPlane({ agents: [work], agentPatienceMs: 5 });
  const task = await plane.client.tasks.create({ agent: "gated" });
  await plane.advance("1s");

  await plane.worker.disconnect();
  await plane.advance("10s");
  open();
  await plane.worker.reconnect();

  expect(await plane.ended(task, { within: "5s" })).toMatchObject({
    status: "COMPLETED",
    outputJson: '{"attempt":1}',
    runs: [{ status: "COMPLETED" }],
  });
});

test("a late report, after the lease, changes nothing: another attempt's result stands", async () => {
  const { agent: work, open } = gated();
  await using plane = await testPlane({ agents: [work], agentPatienceMs: 5 });
  const task = await plane.client.tasks.create({ agent: "gated" });
  await plane.advance("1s");

  await plane.worker.suspend();
  open(); // its agent returns, but nothing reaches the plane
  await plane.advance("1m");
  expect(plane.transcript(task)).toContain("WORKER_LOST");
  await plane.serve({ agents: [work] });
  await plane.advance("1m");
  const before = await plane.ended(task);
  await plane.worker.resume();
  await plane.advance("1m");

  expect(plane.worker.state).toBe("connected");
  expect(plane.worker.activeRuns).toBe(0);
  expect(await plane.client.tasks.get(task.id)).toEqual(before);
  expect(before.runs.map(({ workerId, status }) => `${workerId} ${status}`)).toEqual([
    "worker-1 FAILED",
    "worker-2 COMPLETED",
  ]);
});

test("a Step that has yielded goes on after a restart of worker and plane", async () => {
  const pages: number[] = [];
  const read = agent({
    name: "read",
    run: async (_, ctx) => {
      const page = z.int().catch(1).parse(ctx.checkpoint?.cursor);
      pages.push(page);
      if (page < 4) return ctx.yield(page + 1, { read: page });
      return { pages: page };
    },
  });
  await using plane = await testPlane();
  const task = await plane.client.tasks.create({ agent: "read" });
  const first = await plane.serve({ agents: [read], maxRuns: 1 });
  expect((await plane.ended(task)).status).toBe("COMPLETED");

  plane.fail({ agent: "read", attempt: 1, error: "x", retryAfterMs: 60_000 });
  const again = await plane.client.tasks.create({ agent: "read", maxAttempts: 2 });
  await first.kill();
  await plane.restart();
  await first.start();

  expect(await plane.ended(again, { within: "2m" })).toMatchObject({ outputJson: '{"pages":4}' });
  expect(pages).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  expect(plane.transcript()).toContain("the plane: restarted");
});

test("waits and watches of the client outlive a restart of the plane", async () => {
  await using plane = await testPlane();
  const { tasks } = plane.client;
  const result = tasks.run(echo, { n: 1 });
  await plane.advance(0);
  const watched = (async () => {
    const types: string[] = [];
    const { id = "" } = (await tasks.page()).tasks[0] ?? {};
    for await (const { type } of tasks.watch(id)) types.push(type);
    return types.join(" ");
  })();
  await plane.advance("1h");
  await plane.restart();
  await plane.serve({ agents: [echo] });
  expect(await result).toEqual({ got: { n: 1 } });
  expect(await watched).toMatch(/^task .* task$/);
});

test("methods of a worker that is not what they are for are refused by its state", async () => {
  await using plane = await testPlane({ agents: [echo] });
  await expect(plane.worker.start()).rejects.toThrow(
    "worker-1 is connected: start() is for a worker that is",
  );
  await expect(plane.worker.resume()).rejects.toThrow("worker-1 is connected");
  await plane.worker.drain();
  expect(plane.worker.state).toBe("stopped");
  await expect(plane.worker.kill()).rejects.toThrow("worker-1 is stopped");
  await plane.worker.start();
  expect(plane.worker.state).toBe("connected");
});

test("a lease is no longer for time that was meant to pass and did not", async () => {
  const flow = workflow("later", (w) => {
    w.timer("pause", { delayMs: 3_600_000 });
  });
  await using plane = await testPlane({ agents: [hanging], templates: [flow], agentPatienceMs: 5 });
  const held = await plane.client.tasks.create({ agent: "hang" });
  const template = { namespace: "default", name: "later", version: "" };
  const timed = await plane.client.tasks.create({ template });
  await plane.ended(timed, { within: "365d" });

  await plane.worker.kill();
  await plane.advance("32s");

  expect(plane.transcript(held)).toContain("WORKER_LOST");
});

test("an agent may itself kill its worker, or let time pass", async () => {
  const planes: TestPlane[] = [];
  const kills = agent({
    name: "kills",
    run: async (_, { attempt }) => {
      const [worker] = planes[0]?.workers ?? [];
      if (planes.length === 1) await worker?.kill();
      return { attempt };
    },
  });
  const waits = agent({ name: "waits", run: async () => planes[0]?.advance("1m") });
  await using plane = await testPlane({ agents: [kills, waits], agentPatienceMs: 20 });
  planes.push(plane);
  const killed = await plane.client.tasks.create({ agent: "kills" });
  await plane.advance("1s");
  expect(plane.worker.state).toBe("killed");
  planes.push(plane);
  await plane.worker.start();
  expect((await plane.ended(killed, { within: "1m" })).runs.map(({ status }) => status)).toEqual([
    "FAILED",
    "COMPLETED",
  ]);

  const waiting = await plane.client.tasks.create({ agent: "waits" });
  const [ended] = await Promise.all([plane.ended(waiting, { within: "1h" }), plane.advance("2h")]);
  expect(ended.status).toBe("COMPLETED");
});

test("virtual time stands still for an agent that works in real time", async () => {
  const slow = agent({
    name: "slow",
    run: async (_, ctx) => {
      await ctx.output("begun");
      await delay(50);
      return "done";
    },
  });
  await using plane = await testPlane({ agents: [slow], agentPatienceMs: 60_000 });
  const task = await plane.client.tasks.create({ agent: "slow", timeoutMs: 1_000 });
  await plane.advance("1h");
  expect((await plane.ended(task)).status).toBe("COMPLETED");
});

test("a stop ends waits and watches, whatever agents still do", async () => {
  const never = agent({ name: "never", run: () => new Promise<never>(() => {}) });
  const plane = await testPlane({ agents: [never], agentPatienceMs: 0 });
  const { tasks } = plane.client;
  const run = tasks.run(never, {}).catch((error: unknown) => error);
  await plane.advance("1h");
  const watched = (async () => {
    const { id = "" } = (await tasks.page()).tasks[0] ?? {};
    for await (const _ of tasks.watch(id));
  })().catch((error: unknown) => error);
  await plane.advance("1h");
  await plane.stop();

  expect(await Promise.all([run, watched])).toMatchObject([
    { reason: "PLANE_STOPPED" },
    { reason: "PLANE_STOPPED" },
  ]);
});
