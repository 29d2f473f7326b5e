import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { workflow } from "#templates/index";
import { NotEnded, testPlane } from "#testing/index";
import { agent } from "#worker/index";
import { echo, hanging, reasonOf } from "./kit.js";

test("an agent that is frozen serves, and fails by script", async () => {
  const frozen = Object.freeze(agent({ name: "frozen", run: async () => "done" }));
  await using plane = await testPlane({ agents: [frozen] });
  plane.fail({ agent: "frozen", error: "not yet" });

  const { id } = await plane.client.tasks.create({ agent: "frozen", maxAttempts: 2 });
  expect((await plane.ended(id, { within: "1m" })).outputJson).toBe('"done"');
});

test.each<[string, unknown, RegExp]>([
  ["none", undefined, /^agents is empty/],
  ["a name that there is not", { agents: [echo], addr: "x" }, /^options has no addr; there are agents/],
  ["one agent", { agents: echo }, /^agents is an object: send a list/],
  ["a namespace alone", { agents: [echo], namespaces: "a" }, /^namespaces is a string/],
])("options of a further worker that are wrong are named: %s", async (_, options, message) => {
  await using plane = await testPlane();

  await expect(plane.serve(options as never)).rejects.toThrow(message);
});

test.each([null, undefined, 5, {}, { id: 5 }])("%j is no Task to ask for", async (task) => {
  await using plane = await testPlane();
  const none = task as never;

  await expect(plane.ended(none)).rejects.toThrow(/^task is .*: send a Task, or its id\.$/);
  if (task !== undefined) expect(() => plane.transcript(none)).toThrow(/^task is /);
});

describe("time", () => {
  test("backoff of hours passes without waiting, and the client's own wait ends with the Task", async () => {
    await using plane = await testPlane({ agents: [echo] });
    plane.fail({ agent: "echo", times: 5, error: "overloaded", retryAfterMs: 5 * 3_600_000 });
    const result = plane.client.tasks.run(echo, { n: 1 }, { maxAttempts: 6 });

    await plane.advance("24h");
    const [seen] = await Promise.all([Promise.race([result, "still waiting"]), plane.advance(0)]);
    expect(seen).toBe("still waiting");
    await plane.advance("1h");

    expect(await result).toEqual({ got: { n: 1 } });
    expect(plane.now.toISOString()).toBe("2030-01-02T01:00:00.000Z");
  });

  test("a timer of days ends at its instant, and no worker is lost meanwhile", async () => {
    const flow = workflow("later", (w) => {
      const pause = w.timer("pause", { delayMs: 30 * 86_400_000 });
      return w.step("then", { agent: "echo", after: [pause] });
    });
    await using plane = await testPlane({ agents: [echo], templates: [flow] });
    const { id } = await plane.client.tasks.create({
      template: { namespace: "default", name: "later", version: "" },
    });

    await plane.advance(30 * 86_400_000 - 1);
    expect((await reasonOf(plane.ended(id))).waits).toEqual([
      'Step pause waits for its timer in 0.001s: await plane.advance("1ms")',
    ]);
    await plane.advance("1ms");

    expect((await plane.ended(id)).status).toBe("COMPLETED");
    expect(plane.transcript()).not.toMatch(/connected[\s\S]*connected/);
  });

  test("a Run that hangs is ended by its Task's time limit, while its worker keeps its lease", async () => {
    await using plane = await testPlane({ agents: [hanging], agentPatienceMs: 20 });
    const task = await plane.client.tasks.create({ agent: "hang", timeoutMs: 600_000 });

    expect((await reasonOf(plane.ended(task))).waits).toEqual([
      expect.stringMatching(/^Step main runs: agent "hang" has not returned/),
    ]);
    await expect(plane.ended(task, { within: "9m" })).rejects.toThrow(NotEnded);
    const ended = await plane.ended(task, { within: "1h" });

    expect([ended.status, ended.runs.map(({ reason }) => reason)]).toEqual(["FAILED", ["TIMEOUT"]]);
    expect(plane.now.toISOString()).toBe("2030-01-01T00:10:00.000Z");
    expect(plane.transcript()).not.toContain("WORKER_LOST");
  });

  test("a year passes at once, though a Run hangs, and its worker keeps it", async () => {
    await using plane = await testPlane({ agents: [hanging], agentPatienceMs: 20 });
    const task = await plane.client.tasks.create({ agent: "hang" });
    const later = await plane.client.tasks.create({
      agent: "hang",
      startAtMs: plane.now.getTime() + 3_600_000,
    });

    await plane.advance("365d");
    await plane.advance("1h");

    expect(plane.worker).toMatchObject({ state: "connected", activeRuns: 2 });
    await plane.client.tasks.cancel(task.id);
    expect((await plane.ended(task)).runs).toMatchObject([{ status: "CANCELLED" }]);
    expect(plane.transcript()).not.toContain("WORKER_LOST");
    await plane.worker.kill();
    await plane.advance("31s");
    expect(plane.transcript(later)).not.toContain("WORKER_LOST");
    await plane.advance("1s");
    expect(plane.transcript(later)).toContain("WORKER_LOST");
  });

  test("spans that are none are refused by name", async () => {
    await using plane = await testPlane();
    for (const span of [-1, Number.NaN, Number.POSITIVE_INFINITY, "", "2 hours", "-1h", 1e15]) {
      await expect(plane.advance(span)).rejects.toThrow(/^advance\(by\): by is .*: send milliseconds, or /);
    }
    await expect(plane.ended("no-task")).rejects.toMatchObject({
      code: expect.stringMatching(/NOT_FOUND|INVALID/),
    });
  });
});

describe("what a Task waits for", () => {
  test("a signal, with the call that sends it, and until when it waits", async () => {
    const flow = workflow("ask", (w) => w.signal("ok", { signal: "approved", timeoutMs: 86_400_000 }));
    await using plane = await testPlane({ templates: [flow] });
    const { id } = await plane.client.tasks.create({
      template: { namespace: "default", name: "ask", version: "" },
    });

    const { waits } = await reasonOf(plane.ended(id));
    expect(waits).toEqual([
      `Step ok waits for signal "approved": plane.client.tasks.signal("${id}", "approved", payload), or for the end of its wait in 1d: await plane.advance("1d")`,
    ]);
    await plane.client.tasks.signal(id, "approved", { by: "Ann" });
    expect((await plane.ended(id)).outputJson).toBe('{"by":"Ann"}');
  });

  test("a worker, a start, a free slot, a child", async () => {
    const flow = workflow("outer", (w) => w.child("inner", { agent: "nobody" }));
    await using plane = await testPlane({
      agents: [hanging],
      templates: [flow],
      agentPatienceMs: 1,
      maxRuns: 1,
    });
    const { tasks } = plane.client;
    const of = async (request: Parameters<typeof tasks.create>[0]) =>
      (await reasonOf(plane.ended(await tasks.create(request)))).waits;

    expect(await of({ agent: "nobody" })).toEqual([
      expect.stringContaining('none that is connected serves agent "nobody"'),
    ]);
    expect(await of({ agent: "hang", startAtMs: plane.now.getTime() + 60_000 })).toEqual([
      'it begins in 1m: await plane.advance("1m")',
    ]);
    await tasks.create({ agent: "hang" });
    expect(await of({ agent: "hang" })).toEqual([
      expect.stringContaining("waits for a free slot of worker-1"),
    ]);
    expect(await of({ template: { namespace: "default", name: "outer", version: "" } })).toEqual([
      expect.stringMatching(/^Step inner waits for Task \d nobody: Step main waits for a worker/),
    ]);
  });
});

test("a Task that is cancelled is compensated, once its Run is released", async () => {
  const flow = workflow("trip", (w) => {
    const cancel = w.compensation("cancel_flight", { agent: "echo" });
    const flight = w.step("flight", { agent: "echo", compensate: cancel });
    return w.step("hotel", { agent: "hang", after: [flight] });
  });
  await using plane = await testPlane({ agents: [echo, hanging], templates: [flow], agentPatienceMs: 5 });
  const { id } = await plane.client.tasks.create({
    template: { namespace: "default", name: "trip", version: "" },
  });
  await plane.advance("1d");

  await plane.client.tasks.cancel(id, "no holidays");
  const cancelled = await plane.ended(id);
  const compensation = await plane.ended(cancelled.compensatedBy, { within: "5m" });

  expect(cancelled.status).toBe("CANCELLED");
  expect(compensation).toMatchObject({ status: "COMPLETED", compensates: id });
  expect(plane.transcript(cancelled.compensatedBy)).toContain("Step flight, attempt 1: COMPLETED");
});

describe("kits", () => {
  test("two at once do not meet, and each is the same by its seed", async () => {
    const one = await testPlane({ agents: [echo] });
    const two = await testPlane({ agents: [echo] });
    const story = async (plane: typeof one) => {
      plane.fail({ agent: "echo", error: "once" });
      const task = await plane.client.tasks.create({ agent: "echo", maxAttempts: 2 });
      await plane.ended(task, { within: "1h" });
      return plane.transcript();
    };
    const [first, second] = await Promise.all([story(one), story(two)]);
    await two.advance("1h");

    expect(second).toBe(first);
    expect(one.now).not.toEqual(two.now);
    expect((await one.client.tasks.page()).tasks).toHaveLength(1);
    await one.stop();
    await one.stop();
    expect((await two.client.tasks.page()).tasks).toHaveLength(1);
    await expect(one.advance("1h")).rejects.toThrow("the plane has stopped");
    await two.stop();
  });

  test("options that are wrong are refused by name, and a template that is, by its errors", async () => {
    for (const [options, message] of [
      [{ agent: [] }, "options has no agent; did you mean agents?"],
      [{ agents: {} }, "agents is an object: send a list of agents."],
      [{ seed: 1.5 }, "seed is 1.5: send a whole number."],
      [{ start: "soon" }, 'start is "soon": send a Date'],
      [{ lease: "soon" }, 'lease is "soon": send milliseconds'],
      [{ lease: "1s", heartbeat: "1s" }, "lease is 1000 ms: send at least two heartbeats"],
      [{ agentPatienceMs: -1 }, "agentPatienceMs is -1"],
      [{ client: { addr: "x" } }, "client has no addr; there are namespace, timeoutMs."],
      [{ client: { timeoutMs: -1 } }, "timeoutMs is -1"],
      [{ log: "warn" }, 'log is "warn": send an object with debug'],
      [{ environment: 5 }, "environment is 5: send the name"],
      [{ maxRuns: 0, agents: [echo] }, "maxRuns is 0"],
      [{ agents: [{ name: "x" }] }, "agents[0] is an object that cannot perform"],
      [{ templates: [{ name: "x", steps: [] }] }, "templates[0]: "],
    ] as const) {
      await expect(testPlane(options as never), message).rejects.toThrow(message);
    }
  });

  test("templates of a folder are registered, and one that is refused is named by its file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskrun-kit-"));
    try {
      await writeFile(join(folder, "ask.yaml"), workflow("ask", (w) => w.signal("ok")).source);
      await using plane = await testPlane({ templates: folder });
      expect((await plane.client.templates.get({ name: "ask" })).name).toBe("ask");
      await writeFile(join(folder, "wrong.yaml"), "name: wrong\nsteps: []\n");
      await expect(testPlane({ templates: folder })).rejects.toThrow(/^wrong.yaml: /);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("scripted failures match agent, step and attempt, and count", async () => {
    await using plane = await testPlane({ agents: [echo, agent({ name: "other", run: async () => 1 })] });
    plane.fail({ agent: "echo", attempt: 2, error: new TypeError("second"), times: 1 });
    plane.fail({ step: "main", agent: "echo", error: "for good", retryable: false });
    const [first, other] = [
      await plane.client.tasks.create({ agent: "echo", maxAttempts: 3 }),
      await plane.client.tasks.create({ agent: "other" }),
    ];
    expect(await plane.ended(first)).toMatchObject({
      status: "FAILED",
      errorMessage: expect.stringContaining("for good"),
      runs: [{ attempt: 1 }],
    });
    expect((await plane.ended(other)).status).toBe("COMPLETED");
    for (const wrong of [
      null,
      { agents: "x" },
      { attempt: 0 },
      { times: 1.5 },
      { error: 7 },
      { error: new Error("x"), retryable: false },
    ]) {
      expect(() => plane.fail(wrong as never)).toThrow(/^fail\(failure\)/);
    }
  });
});
