import { createClient } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memoryStore } from "#stores/memory/index";
import { settle } from "#testing/virtual-time";
import { TaskStatus } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { RunStatus, TaskStatus as TaskrunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import {
  as,
  json,
  openWorld,
  SlotWorkerDouble,
  shownStatus,
  slotWorker,
  spec,
  submitted,
  TaskrunWorker,
  templateOf,
  text,
  type World,
} from "./kit.js";

let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.stop());

const submit = (given: Parameters<typeof spec>[0] = {}) => submitted(world, given);
const statusOf = (id: string) => shownStatus(world, id);
const connected = (slots?: number, workerId?: string) => slotWorker(world, slots, workerId);

test("a worker is given what was submitted, says how far it is, and ends it", async () => {
  const payload = Uint8Array.of(0xff, 0, 1);
  const id = await submit({ description: "Make it smaller", payload, timeoutSecs: 300, maxRetries: 3 });
  const worker = await connected();

  expect(worker.given).toMatchObject([
    { taskId: id, spec: { name: "resize", description: "Make it smaller", timeoutSecs: 300, maxRetries: 0 } },
  ]);
  expect(worker.given[0]?.spec?.payload).toEqual(payload);
  expect(await statusOf(id)).toBe("RUNNING, ASSIGNED");

  const progress = { taskId: id, status: TaskStatus.RUNNING, progressPercent: 40, message: "two of five" };
  await worker.say({ case: "progress", value: { ...progress, timestamp: 1_000_001n } });
  expect(await statusOf(id)).toBe("RUNNING, RUNNING");
  await worker.done(id, json({ width: 5 }));
  expect(await world.clients.tasks.getTask({ id })).toMatchObject({ outputJson: '{"width":5}' });

  const said = [];
  for await (const { event } of world.clients.tasks.watchTask({ id })) {
    if (event.case === "runEvent")
      said.push([event.value.name, event.value.metadata, event.value.timestampMs]);
    if (event.case === "output") said.push([event.value.content]);
  }
  expect(said).toEqual([
    ["progress", { percent: "40", message: "two of five" }, 1_000_001_000n],
    ["two of five\n"],
  ]);
  const lines = [];
  for await (const { progressPercent, message } of world.clients.gateway.subscribeProgress({ taskId: id }))
    lines.push(`${progressPercent} ${message}`);
  expect(lines).toContain("40 two of five");
});

test("JSON reaches the worker byte for byte, and so does its result", async () => {
  const id = await submit({ payload: new TextEncoder().encode('{"a": 1.0 }') });
  const worker = await connected();
  expect(text(worker.given[0]?.spec?.payload)).toBe('{"a": 1.0 }');

  await worker.done(id, new TextEncoder().encode('{"b": 2.0 }'));
  expect((await world.clients.tasks.getTask({ id })).outputJson).toBe('{"b": 2.0 }');
});

test.each([
  ["empty", new Uint8Array(), ""],
  ["no JSON", new TextEncoder().encode("plain text"), '{"output_base64":"cGxhaW4gdGV4dA=="}'],
])("a result that is %s", async (_, output, expected) => {
  const id = await submit();
  const worker = await connected();
  await worker.done(id, output);

  expect(await world.clients.tasks.getTask({ id })).toMatchObject({
    status: TaskrunStatus.COMPLETED,
    outputJson: expected,
  });
});

test.each([
  [TaskStatus.FAILED, "out of memory", "FAILED, FAILED AGENT_ERROR", "out of memory"],
  [TaskStatus.FAILED, "", "FAILED, FAILED AGENT_ERROR", "the worker has given no reason"],
  [TaskStatus.CANCELLED, "", "CANCELLED, CANCELLED", ""],
  [TaskStatus.RUNNING, "", "FAILED, FAILED REPORT_INVALID", "a result is COMPLETED, FAILED or CANCELLED"],
])("a result of status %i: %s", async (status, errorMessage, expected, said) => {
  const id = await submit();
  const worker = await connected();
  await worker.say({ case: "result", value: { taskId: id, status, errorMessage } });

  expect(await statusOf(id)).toContain(expected);
  expect((await world.clients.tasks.getTask({ id })).runs[0]?.errorMessage).toContain(said);
  expect(worker.failure).toBeUndefined();
  // It has its slot back, whatever it was.
  const next = await submit();
  expect(worker.tasks).toEqual([id, next]);
});

test("a failed Task is tried again as often as it was asked for", async () => {
  const id = await submit({ maxRetries: 1 });
  const worker = await connected();
  for (const count of [1, 2]) {
    expect(worker.tasks).toHaveLength(count);
    await worker.say({
      case: "result",
      value: { taskId: id, status: TaskStatus.FAILED, errorMessage: "no" },
    });
    await world.pass(60_000);
  }
  expect(worker.tasks).toEqual([id, id]);
  expect(await statusOf(id)).toMatch(/^FAILED/);
});

describe("the agents of a worker that does not say which", () => {
  test("are those that were asked for, as of its next heartbeat", async () => {
    const worker = await connected();
    const id = await submit();
    const { id: unasked } = await world.clients.tasks.createTask({ agentName: "other" });
    expect(worker.tasks).toEqual([]);
    await worker.beat(5);
    expect(worker.tasks).toEqual([id]);
    expect(await statusOf(unasked)).toBe("PENDING");

    const { workers } = await world.clients.workers.listWorkers({});
    expect(workers[0]).toMatchObject({
      workerId: "w-slots",
      hostname: "10.0.0.1:7000",
      agents: [{ name: "resize" }],
    });
    const { agents } = await world.clients.workers.listAgents({});
    expect(agents.map(({ name, workers }) => [name, workers])).toContainEqual(["resize", 1]);
    await worker.close();
    await world.pass(100_000);
    const left = (await world.clients.workers.listAgents({})).agents;
    expect(left.map(({ name, workers }) => [name, workers])).toContainEqual(["resize", 0]);
  });

  test("are found again by the Tasks that wait, after a start; one of a template that says so is none of them", async () => {
    await world.stop();
    const store = memoryStore();
    world = await openWorld({}, store);
    const id = await submit();
    const templates = createClient(TemplateService, world.gate.transport);
    await templates.register({ source: templateOf("labelled", ["one"]) });
    const template = { name: "labelled" };
    await world.clients.tasks.createTask({ template, labels: { "orchestrator.submitted": "true" } });
    await world.stop();
    world = await openWorld({}, store);

    const worker = await connected(1);
    expect(worker.tasks).toEqual([id]);
    expect(worker.failure).toBeUndefined();
  });

  test("are of the namespaces that it may use", async () => {
    await world.clients.gateway.submitTask(spec({ name: "secret" }), as("theirs"));
    const mine = await world.clients.gateway.submitTask(spec({ name: "plain" }), as("mine"));
    const worker = new SlotWorkerDouble(world, "w-mine", "mine");
    await worker.beat(5);
    expect(worker.tasks).toEqual([mine.taskId]);
    const { workers } = await world.clients.workers.listWorkers({});
    expect(workers[0]?.agents.map(({ name }) => name)).toEqual(["plain"]);
  });

  test("are those of the configuration, if that names any", async () => {
    await world.stop();
    world = await openWorld({ orchestratorAgents: ["other"] });
    await submit();
    const { id } = await world.clients.tasks.createTask({ agentName: "other" });
    expect((await connected(5)).tasks).toEqual([id]);
  });
});

describe("a stream that breaks the protocol", () => {
  test("begins with something else than a heartbeat", async () => {
    const worker = new SlotWorkerDouble(world);
    await worker.done("T");
    expect(worker.failure).toContain(
      "result came before the first heartbeat: a worker registers by a heartbeat.",
    );
  });

  test("has an id that is none", async () => {
    const worker = await connected(1, "no id");
    expect(worker.failure).toContain("heartbeat.worker_id must be 1 to 256 letters");
  });

  test("has the id of another credential's worker", async () => {
    const worker = new SlotWorkerDouble(world, "w-1", "one");
    await worker.beat(1);
    const other = new SlotWorkerDouble(world, "w-1", "two");
    await other.beat(1);
    expect(worker.failure).toBeUndefined();
    expect(other.failure).toContain('worker id "w-1" is in use under another credential');
    expect(other.field).toBe("heartbeat.worker_id");
  });

  test("names another worker", async () => {
    const worker = await connected();
    await worker.say({ case: "heartbeat", value: { workerId: "w-2", availableSlots: 1 } });
    expect(worker.failure).toContain('heartbeat.worker_id is "w-2", but hello said "w-slots"');
  });

  test("has an id in a later heartbeat that is too long: it is not said again", async () => {
    const worker = await connected();
    await worker.say({ case: "heartbeat", value: { workerId: "w".repeat(100_000), availableSlots: 1 } });
    expect(worker.failure).toContain("heartbeat.worker_id");
    expect(worker.failure?.length).toBeLessThan(1_000);
  });

  test("has nothing in its messages, or names what it was not given: that is ignored", async () => {
    const worker = new SlotWorkerDouble(world);
    await worker.say({ case: undefined });
    await worker.beat(1);
    await worker.say({ case: undefined });
    await worker.say({ case: "progress", value: { taskId: "T" } });
    await worker.done("T");
    expect(worker.failure).toBeUndefined();
    expect(world.counted).toEqual(["unknown_kind", "unknown", "unknown"]);
  });
});

test("a worker without an id gets one", async () => {
  const worker = await connected(1, "");
  await worker.beat(1);
  expect(worker.failure).toBeUndefined();
  const { workers } = await world.clients.workers.listWorkers({});
  expect(workers[0]?.workerId).toMatch(/^.{8,}$/);
});

test("workers of both protocols serve one agent side by side", async () => {
  const ids = [await submit(), await submit()];
  const worker = await connected(1);
  const other = new TaskrunWorker(world, ["resize"]);
  await settle();

  expect(worker.tasks).toEqual([ids[0]]);
  expect(other.runs.map(({ taskId }) => taskId)).toEqual([ids[1]]);
  await worker.done(ids[0] ?? "", json("slots"));
  const { runId = "" } = other.runs[0] ?? {};
  await other.say({
    case: "statusUpdate",
    value: { runId, status: RunStatus.COMPLETED, outputJson: '"runs"' },
  });
  const outputs = await Promise.all(ids.map((id) => world.clients.tasks.getTask({ id })));
  expect(outputs.map(({ outputJson }) => outputJson)).toEqual(['"slots"', '"runs"']);
});
