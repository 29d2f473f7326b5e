import { describe, expect, test } from "vitest";
import { z } from "zod";
import { agent } from "#worker/index";
import { greet, sleep, started } from "./kit.js";

describe("a call in process", () => {
  test("ends when its signal aborts, and the Task lives on", async () => {
    const { client } = await started({ agents: [sleep] });
    const { id } = await client.tasks.create({ agent: "sleep", input: {} });
    const aborter = new AbortController();
    const waiting = client.tasks.wait(id, { signal: aborter.signal });
    await expect.poll(async () => (await client.tasks.get(id)).status).toBe("RUNNING");
    aborter.abort();

    await expect(waiting).rejects.toMatchObject({ code: "CANCELLED" });
    expect((await client.tasks.cancel(id)).status).toBe("CANCELLED");
  });

  test("ends at its deadline", async () => {
    // A store that does not answer.
    const { memoryStore } = await import("#stores/memory/index");
    const store = memoryStore();
    const { client } = await started({ store });
    store.reads.task = () => new Promise(() => {});

    await expect(client.tasks.get("a", { timeoutMs: 20 })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
  });

  test("leaves the event loop to others, however many there are, and however large their answers", async () => {
    const large = agent({ name: "large", input: z.looseObject({}), run: async () => "x".repeat(900_000) });
    const { client } = await started({ agents: [large] });
    // How long they take is not the question.
    const patient = { timeoutMs: 0 };
    await client.tasks.run({ agent: "large", input: {} });
    const [{ id } = { id: "" }] = (await client.tasks.page()).tasks;
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    await Promise.all(Array.from({ length: 60 }, async () => (await client.tasks.get(id, patient)).id));
    const ofLarge = turns;
    await Promise.all(Array.from({ length: 2_000 }, () => client.workers.list({}, patient)));
    clearInterval(timer);

    expect(ofLarge).toBeGreaterThan(10);
    expect(turns - ofLarge).toBeGreaterThan(10);
  });

  test("shares no object with the plane", async () => {
    const { client } = await started();
    const labels = { team: "travel" };
    const { id, labels: answered } = await client.tasks.create({ agent: "greet", input: {}, labels });
    labels.team = "changed";
    (answered as Record<string, string>).team = "changed too";

    expect((await client.tasks.get(id)).labels).toEqual({ team: "travel" });
  });

  test("is refused once the client is closed, and calls in progress fail; workers go on", async () => {
    const taskrun = await started({ agents: [sleep] });
    const { client } = taskrun;
    const { id } = await client.tasks.create({ agent: "sleep", input: {} });
    const events: string[] = [];
    const watching = (async () => {
      for await (const { type } of client.tasks.watch(id)) events.push(type);
    })();
    await expect.poll(() => events.length).toBeGreaterThan(0);
    client.close();
    client.close();

    await expect(watching).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    await expect(client.tasks.get(id)).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
  });

  test("that is under way when the plane stops ends at once, and for good", async () => {
    const taskrun = await started({ agents: [sleep] });
    const { client } = taskrun;
    const running = client.tasks.run({ agent: "sleep", input: {} });
    const seen = running.catch((error: unknown) => error);
    await expect.poll(async () => (await client.tasks.page({ status: "RUNNING" })).tasks).toHaveLength(1);
    const before = performance.now();
    await taskrun.stop();

    expect(await seen).toMatchObject({ code: "FAILED_PRECONDITION", reason: "PLANE_STOPPED" });
    expect(performance.now() - before).toBeLessThan(5_000);
    await expect(client.tasks.create({ agent: "greet" })).rejects.toMatchObject({ reason: "PLANE_STOPPED" });
    await expect(taskrun.serve({ agents: [greet] })).rejects.toThrow("stopped");
    await expect(taskrun.listen({ grpc: "127.0.0.1:0" })).rejects.toMatchObject({ reason: "PLANE_STOPPED" });
  });
});

describe("a watch in process", () => {
  const count = agent({
    name: "count",
    input: z.object({ to: z.int() }),
    async *run({ to }) {
      for (let i = 0; i < to; i++) yield "x".repeat(1_024);
    },
  });

  test("is read at the pace of its reader, who misses nothing", async () => {
    const { client } = await started({ agents: [count] });
    const { id } = await client.tasks.create({ agent: "count", input: { to: 2_000 } });
    let chunks = 0;
    for await (const event of client.tasks.watch(id)) {
      if (event.type !== "output") continue;
      chunks += 1;
      if (chunks % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }

    expect(chunks).toBe(2_000);
  });

  test("that its reader leaves is over for the plane", async () => {
    const { prom, taskrun } = await measured();
    const { client } = taskrun;
    const { id } = await client.tasks.create({ agent: "nobody", input: {} });
    const open = async () => Number(/^taskrun_watchers (\d+)/m.exec(await prom())?.[1]);
    for await (const _ of client.tasks.watch(id)) {
      expect(await open()).toBe(1);
      break;
    }

    await expect.poll(open).toBe(0);
  });

  test("whose reader never asks again is ended by an abort", async () => {
    const { prom, taskrun } = await measured();
    const { client } = taskrun;
    const { id } = await client.tasks.create({ agent: "nobody", input: {} });
    const aborter = new AbortController();
    const watch = client.tasks.watch(id, { signal: aborter.signal })[Symbol.asyncIterator]();
    await watch.next();
    aborter.abort();

    await expect.poll(async () => /^taskrun_watchers (\d+)/m.exec(await prom())?.[1]).toBe("0");
  });

  test("does not keep the event loop from others while it catches up", async () => {
    const { client } = await started({ agents: [count] });
    const { id } = await client.tasks.create({ agent: "count", input: { to: 5_000 } });
    await client.tasks.wait(id);
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    let events = 0;
    for await (const _ of client.tasks.watch(id)) events += 1;
    clearInterval(timer);

    expect(events).toBeGreaterThan(5_000);
    expect(turns).toBeGreaterThan(10);
  });
});

async function measured() {
  const { Registry } = await import("prom-client");
  const registry = new Registry();
  const taskrun = await started({ metrics: { registry } });
  return { taskrun, prom: () => registry.metrics() };
}

test("an agent may create Tasks of its own, and await them", async () => {
  const taskrun = await started();
  const parent = agent({
    name: "parent",
    input: z.object({ names: z.array(z.string()) }),
    run: ({ names }) =>
      Promise.all(names.map((name) => taskrun.client.tasks.run({ agent: "greet", input: { name } }))),
  });
  await taskrun.serve({ agents: [parent, greet] });

  expect(await taskrun.client.tasks.run({ agent: "parent", input: { names: ["Ada", "Grace"] } })).toEqual([
    { greeted: "Ada" },
    { greeted: "Grace" },
  ]);
});

test("an agent that throws fails its Task alone", async () => {
  const bad = agent({
    name: "bad",
    input: z.looseObject({}),
    run: async () => {
      throw new Error("no");
    },
  });
  const { client } = await started({ agents: [bad, greet] });

  await expect(client.tasks.run({ agent: "bad", input: {} })).rejects.toMatchObject({ name: "TaskFailed" });
  expect(await client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({ greeted: "Ada" });
});
