import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createClient, TaskRunError } from "#client/index";
import type { TaskRunOptions } from "#embedded/index";
import { memoryStore } from "#stores/memory/index";
import { workflow } from "#templates/index";
import { agent, serve } from "#worker/index";
import { folder, greet, sleep, started } from "./kit.js";

const kinds = ["memory", "sqlite"] as const;

/** Where a plane of this kind keeps its Tasks. */
async function kept(kind: (typeof kinds)[number]): Promise<TaskRunOptions> {
  return kind === "memory" ? { store: "memory" } : { data: join(await folder(), "data") };
}

describe.each(kinds)("over %s", (kind) => {
  test("a Task is created, run and watched without a socket", async () => {
    const { client } = await started({ ...(await kept(kind)), agents: [greet] });

    expect(await client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({ greeted: "Ada" });

    const { id } = await client.tasks.create({ agent: "greet", input: { name: "Grace" } });
    const seqs: number[] = [];
    let output = "";
    for await (const event of client.tasks.watch(id)) {
      seqs.push(event.seq);
      if (event.type === "output") output += event.output.content;
    }
    expect(seqs).toEqual(Array.from(seqs, (_, i) => i + 1));
    expect(output).toBe("Hello Grace\n");
  });

  test("many at once are all run, each once", async () => {
    const seen: string[] = [];
    const note = agent({
      name: "note",
      input: z.object({ name: z.string() }),
      run: async ({ name }) => seen.push(name),
    });
    const { client } = await started({ ...(await kept(kind)), agents: [note] });
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);

    await Promise.all(names.map((name) => client.tasks.run({ agent: "note", input: { name } })));

    expect(seen.toSorted()).toEqual(names.toSorted());
  });

  test("a larger workflow, a failing Step and a retry go the same way as over gRPC", async () => {
    let attempts = 0;
    const flaky = agent({
      name: "flaky",
      input: z.looseObject({}),
      run: async () => {
        attempts += 1;
        if (attempts === 1) throw new Error("not yet");
        return attempts;
      },
    });
    const flow = workflow("flow", (w) => {
      const first = w.step("first", { agent: "flaky", retry: { maxAttempts: 2, baseMs: 1 } });
      return w.step("second", { agent: "greet", after: [first] });
    });
    const { client } = await started({
      ...(await kept(kind)),
      agents: [greet, flaky],
      templates: [flow],
    });

    const result = await client.tasks.run({ template: flow, input: { name: "Ada" } });

    expect(result).toEqual({ greeted: "Ada" });
    expect(attempts).toBe(2);
  });

  test("what waits when it is stopped goes on after the next start", async () => {
    if (kind === "memory") return;
    const options = await kept(kind);
    const first = await started(options);
    const { id } = await first.client.tasks.create({ agent: "greet", input: { name: "Ada" } });
    await first.stop();

    const second = await started({ ...options, agents: [greet] });

    expect(await second.client.tasks.wait(id)).toMatchObject({ status: "COMPLETED" });
  });

  test("a Run in hand when it is stopped is handed back, and goes on at once after the next start", async () => {
    if (kind === "memory") return;
    const options = await kept(kind);
    const first = await started({ ...options, agents: [sleep], lease: "1h", heartbeat: "1m" });
    const { id } = await first.client.tasks.create({ agent: "sleep", input: {} });
    await expect.poll(async () => (await first.client.tasks.get(id)).status).toBe("RUNNING");
    await first.stop();

    const done = agent({ name: "sleep", input: z.looseObject({}), run: async () => "rested" });
    const second = await started({ ...options, agents: [done], lease: "1h", heartbeat: "1m" });

    expect(await second.client.tasks.wait(id)).toMatchObject({
      status: "COMPLETED",
      steps: [{ attempts: 1, losses: 0 }],
    });
  });
});

test("a store of the host's is used, and closed at the end", async () => {
  const store = memoryStore();
  let closed = 0;
  const close = store.close.bind(store);
  store.close = async () => {
    closed += 1;
    await close();
  };
  const taskrun = await started({ store, agents: [greet] });

  expect(await taskrun.client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({
    greeted: "Ada",
  });
  await Promise.all([taskrun.stop(), taskrun.stop()]);
  await taskrun.stop();
  expect(closed).toBe(1);
});

test("agents are served later, too, and a worker can be drained by itself", async () => {
  const taskrun = await started();
  const worker = await taskrun.serve({ agents: [greet], id: "mine", maxRuns: 2, labels: { gpu: "true" } });

  expect(await taskrun.client.workers.list()).toMatchObject([
    { id: "mine", maxConcurrentRuns: 2, labels: { gpu: "true" } },
  ]);
  await worker.drain();
  await expect.poll(async () => taskrun.client.workers.list()).toEqual([]);
  const { id } = await taskrun.client.tasks.create({ agent: "greet", input: { name: "Ada" } });
  await taskrun.serve({ agents: [greet] });
  expect(await taskrun.client.tasks.wait(id)).toMatchObject({ status: "COMPLETED" });
});

test("workers and clients of other processes come in by a listener, beside those of this one", async () => {
  const taskrun = await started();
  const { grpc, http } = await taskrun.listen({ grpc: "127.0.0.1:0", http: ["127.0.0.1:0"] });
  const [addr = ""] = grpc;
  const remote = createClient({ addr });
  const worker = await serve({ agents: [greet], addr, handleSignals: false, log: quiet });

  expect(await taskrun.client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({
    greeted: "Ada",
  });
  expect(await (await fetch(`http://${http[0]}/health/ready`)).json()).toMatchObject({ status: "ready" });
  await worker.drain();
  await taskrun.serve({ agents: [greet] });
  expect(await remote.tasks.run({ agent: "greet", input: { name: "Grace" } })).toEqual({ greeted: "Grace" });
  remote.close();
});

const nothing = () => {};
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };

describe("templates", () => {
  const text =
    "name: as_text\nnamespace_name: default\nversion: 1.0.0\nsteps:\n  - name: one\n    handler: { callable: greet }\n";
  const body = {
    name: "as_object",
    namespace_name: "default",
    version: "1.0.0",
    steps: [{ name: "one", handler: { callable: "greet" } }],
  };
  const flow = workflow("as_workflow", (w) => w.step("one", { agent: "greet" }));

  test("texts, objects and workflows are registered at the start, and again without harm", async () => {
    const data = join(await folder(), "data");
    for (let i = 0; i < 2; i++) {
      const taskrun = await started({ data, agents: [greet], templates: [text, body, flow] });
      const names: string[] = [];
      for await (const { name } of taskrun.client.templates.list()) names.push(name);

      expect(names).toEqual(["as_object", "as_text", "as_workflow"]);
      for (const name of names) {
        const input = { name: "Ada" };
        expect(await taskrun.client.tasks.run({ template: { name }, input })).toEqual({ greeted: "Ada" });
      }
      await taskrun.stop();
    }
  });

  test("a folder is registered, and watched until the stop", async () => {
    const templates = join(await folder(), "flows");
    await mkdir(templates);
    await writeFile(join(templates, "one.yaml"), text);
    const taskrun = await started({ templates, agents: [greet] });
    const names = async () => {
      const found: string[] = [];
      for await (const { name } of taskrun.client.templates.list()) found.push(name);
      return found;
    };

    expect(await names()).toEqual(["as_text"]);
    await writeFile(join(templates, "two.json"), JSON.stringify(body));
    await expect.poll(names).toEqual(["as_object", "as_text"]);
  });

  test("one that is refused stops the start, by its place and finding, and nothing stays open", async () => {
    const data = join(await folder(), "data");
    const wrong = {
      ...body,
      steps: [{ name: "one", handler: { callable: "greet" }, dependencies: ["two"] }],
    };
    const start = started({ data, templates: [text, wrong] });

    await expect(start).rejects.toThrow(/^templates\[1\]: .*two/);
    await expect(start).rejects.toBeInstanceOf(TaskRunError);
    await started({ data });
  });
});

test("the same directory cannot be used by two planes at once", async () => {
  const data = join(await folder(), "data");
  await started({ data });

  await expect(started({ data })).rejects.toMatchObject({ name: "Fault", reason: "STORE_LOCKED" });
});

test("two planes in one process do not meet", async () => {
  const [one, two] = await Promise.all([started({ agents: [greet] }), started({ agents: [sleep] })]);
  const { id } = await one.client.tasks.create({ agent: "sleep", input: {} });
  await two.client.tasks.create({ agent: "sleep", input: {}, idempotencyKey: "same" });
  await one.client.tasks.create({ agent: "greet", input: { name: "Ada" }, idempotencyKey: "same" });

  await expect(two.client.tasks.get(id)).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect((await one.client.workers.list()).map(({ agents }) => agents.map(({ name }) => name))).toEqual([
    ["greet"],
  ]);
  await two.stop();
  expect(await one.client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({ greeted: "Ada" });
});
