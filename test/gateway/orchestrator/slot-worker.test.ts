import { createClient } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { settle } from "#testing/virtual-time";
import { TaskStatus } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { WorkerStatus } from "#wire/gen/taskrun/v1/common_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import {
  json,
  openWorld,
  shownStatus,
  slotWorker,
  submitted,
  TaskrunWorker,
  templateOf,
  type World,
} from "./kit.js";

let world: World;

beforeEach(async () => {
  world = await openWorld({ orchestratorAgents: ["resize"] });
});
afterEach(() => world.stop());

const submit = () => submitted(world);
const statusOf = (id: string) => shownStatus(world, id);
const connected = (slots?: number, workerId?: string) => slotWorker(world, slots, workerId);

/** A Task of a template with such Steps, all of which may run at once. */
async function taskOf(steps: readonly string[], more: string): Promise<string> {
  const templates = createClient(TemplateService, world.gate.transport);
  await templates.register({ source: templateOf("wide", steps, more) });
  const { id } = await world.clients.tasks.createTask({ template: { name: "wide" } });
  await settle();
  return id;
}

describe("slots", () => {
  const view = async () => (await world.clients.workers.listWorkers({})).workers[0];

  test("what is free and what is taken are what it can hold", async () => {
    const ids = [await submit(), await submit(), await submit()];
    const worker = await connected(2);
    expect(worker.tasks).toEqual(ids.slice(0, 2));

    await world.pass(5_000);
    await worker.beat(0);
    expect(await view()).toMatchObject({ activeRuns: 2, maxConcurrentRuns: 2 });
    await worker.done(ids[0] ?? "");
    expect(worker.tasks).toEqual(ids);

    await world.pass(5_000);
    await worker.beat(3);
    expect(await view()).toMatchObject({ activeRuns: 2, maxConcurrentRuns: 5 });
  });

  test("an assignment that the worker may not have counted yet gives it no further slot", async () => {
    const worker = await connected(1);
    const ids = [await submit(), await submit()];
    expect(worker.tasks).toEqual(ids.slice(0, 1));
    // Sent before it had the assignment: its one free slot is the one that is taken.
    await worker.beat(1);
    expect(worker.tasks).toEqual(ids.slice(0, 1));
    await world.pass(1_000);
    await worker.beat(1);
    expect(worker.tasks).toEqual(ids);
  });

  test("a worker without a free slot gets nothing until it has one", async () => {
    const id = await submit();
    const worker = await connected(0);
    expect(worker.tasks).toEqual([]);
    await worker.beat(-5);
    expect(worker.tasks).toEqual([]);
    // It has said nothing of being ill.
    expect(await view()).toMatchObject({ status: WorkerStatus.BUSY, activeRuns: 0, maxConcurrentRuns: 0 });
    expect((await explained(id)).answers).toEqual(["SLOTS"]);
    await worker.beat(1);
    expect(worker.tasks).toEqual([id]);
    await worker.done(id);
    await worker.beat(0);
    expect(await view()).toMatchObject({ status: WorkerStatus.BUSY, maxConcurrentRuns: 0 });
  });
});

describe("a Run that the worker cannot be told to stop", () => {
  test("takes its slot until the result has come, and that changes nothing any more", async () => {
    const id = await submit();
    const worker = await connected(1);
    await world.clients.tasks.cancelTask({ id });
    const next = await submit();
    await world.pass(30_000);
    await worker.beat(0);
    expect(worker.tasks).toEqual([id]);
    expect(await statusOf(id)).toMatch(/^CANCELLED, CANCELLED/);

    await worker.done(id);
    expect(worker.tasks).toEqual([id, next]);
    expect(await statusOf(id)).toMatch(/^CANCELLED, CANCELLED/);
  });

  test("is not joined by another one of its Task, however long it takes", async () => {
    const id = await taskOf(["one"], "timeout_seconds: 10, retry: { max_attempts: 3 }");
    const worker = await connected(4);
    expect(worker.tasks).toEqual([id]);
    for (let minute = 0; minute < 10; minute += 1) {
      await world.pass(60_000);
      await worker.beat(3);
    }
    expect(worker.tasks).toEqual([id]);
    expect(await statusOf(id)).toBe("RUNNING, FAILED TIMEOUT");
    const { answers } = await explained(id);
    expect(answers).toEqual(["TASK_HELD"]);

    await worker.done(id);
    await settle();
    expect(worker.tasks).toEqual([id, id]);
    await worker.done(id, json("second"));
    expect((await world.clients.tasks.getTask({ id })).outputJson).toBe('"second"');
  });

  test("leaves the other attempts to other workers", async () => {
    const id = await taskOf(["one"], "timeout_seconds: 10, retry: { max_attempts: 3 }");
    const worker = await connected(4);
    const other = new TaskrunWorker(world, ["resize"]);
    await settle();
    await world.pass(15_000);

    expect(worker.tasks).toEqual([id]);
    expect(other.runs.map(({ taskId }) => taskId)).toEqual([id]);
  });
});

const explained = async (id: string) => {
  const { steps } = await world.clients.tasks.explainTask({ id });
  return { answers: steps.flatMap(({ workers }) => workers.map(({ cause }) => cause)) };
};

test("of several Steps of one Task a worker is given one at a time, and what others wait for meanwhile", async () => {
  const id = await taskOf(["a", "b", "c"], "retry: { max_attempts: 1 }");
  const later = await submit();
  const worker = await connected(4);
  expect(worker.tasks).toEqual([id, later]);
  await world.pass(30_000);
  await worker.beat(2);
  expect(worker.tasks).toEqual([id, later]);

  await worker.done(id);
  await worker.done(id);
  expect(worker.tasks).toEqual([id, later, id, id]);
  await worker.done(id);
  expect(await statusOf(id)).toBe("COMPLETED, COMPLETED, COMPLETED, COMPLETED");
});

test("a silent worker loses its Runs when its lease ends, and any word renews it", async () => {
  const id = await submit();
  const worker = await connected();
  await world.pass(80_000);
  await worker.say({ case: "progress", value: { taskId: id, status: TaskStatus.RUNNING } });
  await world.pass(80_000);
  expect(await statusOf(id)).toBe("RUNNING, RUNNING");
  await world.pass(11_000);
  expect(await statusOf(id)).toBe("RUNNING, FAILED WORKER_LOST");
  expect(worker.failure).toContain("no heartbeat within the lease");

  const other = await connected(1, "w-other");
  expect(other.tasks).toEqual([id]);
});

describe("a worker that is drained", () => {
  const drain = () => world.clients.workers.drainWorker({ workerId: "w-slots", reason: "a new version" });

  test("ends at once if it has nothing in hand", async () => {
    const worker = await connected();
    await drain();
    await settle();
    expect(worker.failure).toContain("[unavailable] the worker was drained (a new version)");
  });

  test("gets nothing more, and ends with its last result", async () => {
    const id = await submit();
    const worker = await connected(2);
    await drain();
    await settle();
    await submit();
    expect(worker.failure).toBeUndefined();
    await worker.done(id);
    await settle();
    expect(worker.failure).toContain("[unavailable] the worker was drained");
    expect(worker.tasks).toEqual([id]);
    expect(await statusOf(id)).toBe("COMPLETED, COMPLETED");
  });
});

describe("a worker that connects anew", () => {
  test("has lost what it held, and what it says of it changes nothing", async () => {
    const id = await submit();
    const before = await connected();
    await before.close();
    expect(await statusOf(id)).toBe("RUNNING, ASSIGNED");
    const after = await connected();
    expect(await statusOf(id)).toBe("RUNNING, FAILED WORKER_LOST");

    await after.done(id);
    expect(await statusOf(id)).toBe("RUNNING, FAILED WORKER_LOST");
    expect(world.counted).toEqual(["stale"]);
  });

  test("gets no other Run of such a Task until the result of the lost one has come, which is not taken for it", async () => {
    const id = await submit();
    await (await connected()).close();
    const after = await connected(2);
    for (let time = 0; time < 10; time += 1) {
      await world.pass(60_000);
      await after.say({ case: "progress", value: { taskId: id, status: TaskStatus.RUNNING } });
      await after.beat(1);
    }
    expect(after.tasks).toEqual([]);
    expect((await explained(id)).answers).toEqual(["TASK_HELD"]);

    await after.done(id, json("of the lost one"));
    await after.beat(2);
    expect(after.tasks).toEqual([id]);
    await after.done(id, json("its own"));
    expect((await world.clients.tasks.getTask({ id })).outputJson).toBe('"its own"');
  });

  test("gets one when it has said nothing of the lost one for two leases", async () => {
    const id = await submit();
    await (await connected()).close();
    const after = await connected();
    for (const expected of [[], [], [id]]) {
      await world.pass(60_000);
      await after.beat(1);
      expect(after.tasks).toEqual(expected);
    }
  });

  test("without an id is another one", async () => {
    const id = await submit();
    await (await connected(1, "")).close();
    const after = await connected(1, "");
    for (let time = 0; time < 2; time += 1) {
      await world.pass(60_000);
      await after.beat(1);
    }
    expect(after.tasks).toEqual([id]);
  });
});
