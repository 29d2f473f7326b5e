/** Limits of what a namespace may have, as clients see them: over every mount, and over HTTP. */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "#control-plane";
import type { TaskId } from "#domain/id";
import { type Gateway, openGateway } from "#gateway/server";
import { jsonSchemas } from "#host/schemas";
import { memoryStore } from "#stores/memory/index";
import { line } from "#testing/rows";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { openEvents } from "./kit/event-stream.js";
import { allMounts, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

const { createTask, runTask, batchCreateTasks, watchTask } = TaskService.method;

const ask = (mount: Mount, method: DescMethod, request: object, atMost?: number) =>
  mount.call(method, [create(method.input, request as never) as Message], atMost);

describe("open watchers", () => {
  let opened: Opened;
  let mounts: readonly Mount[];
  const open_: { close(): void }[] = [];
  beforeAll(async () => {
    opened = await open({ openWatchers: new Map([["narrow", 2]]) });
    mounts = allMounts(opened);
  });
  afterEach(async () => {
    for (const stream of open_.splice(0)) stream.close();
    await expect.poll(() => opened.plane.watchers).toBe(0);
  });
  afterAll(() => opened.gateway.close(1_000));

  async function taskIn(namespace: string): Promise<TaskId> {
    const { answers } = await ask(mounts[0] as Mount, createTask, { agentName: "a", namespace });
    const { id } = answers[0] as unknown as { id: TaskId };
    opened.plane.logs.set(id, [line("x")]);
    return id;
  }
  const watch = async (id: TaskId) => {
    const events = await openEvents(`http://127.0.0.1:${opened.httpPort}/v1/tasks/${id}/events`);
    open_.push(events);
    return events;
  };

  test("one too many in a namespace is refused on every mount, and let in when another has ended", async () => {
    const id = await taskIn("narrow");
    const first = await watch(id);
    await watch(id);
    await expect.poll(() => opened.plane.watchers).toBe(2);
    for (const mount of mounts) {
      const { error } = await ask(mount, watchTask, { id }, 1);
      expect(error, mount.name).toMatchObject({ code: 8, reason: "OPEN_WATCHERS", retrySeconds: 1 });
      expect(error?.message, mount.name).toContain(
        'namespace "narrow" has 2 open watchers on this server, the most that open-watchers lets it have',
      );
    }
    first.close();
    await expect.poll(() => opened.plane.watchers).toBe(1);
    for (const mount of mounts) {
      const { answers, error } = await ask(mount, watchTask, { id }, 1);
      expect([answers.length, error], mount.name).toEqual([1, undefined]);
      await expect.poll(() => opened.plane.watchers).toBe(1);
    }
  });

  test("a page gets 503 with Retry-After before its stream begins; other namespaces have no such limit", async () => {
    const id = await taskIn("narrow");
    await watch(id);
    await watch(id);
    await expect.poll(() => opened.plane.watchers).toBe(2);
    const refused = await watch(id);
    expect([refused.status, refused.response.headers["retry-after"]]).toEqual([503, "1"]);
    expect(JSON.parse(await refused.text())).toMatchObject({ reason: "OPEN_WATCHERS" });
    const other = await taskIn("wide");
    for (let i = 0; i < 5; i++) expect((await watch(other)).status).toBe(200);
  });
});

describe("waiting tasks", () => {
  let control: ControlPlane;
  let gateway: Gateway;
  let mounts: readonly Mount[];
  beforeAll(async () => {
    const namespaceLimits = { waitingTasks: new Map([["*", 2]]), dailyOutput: new Map() };
    control = await startControlPlane({ store: memoryStore(), namespaceLimits });
    const { plane, entropy, telemetry } = control;
    gateway = await openGateway({
      ...{ plane, entropy, telemetry, schemas: jsonSchemas(), environment: "test" },
      ...{ grpc: ["127.0.0.1:0"], http: ["127.0.0.1:0"] },
    });
    const portOf = (address = "") => Number(address.split(":").at(-1));
    const ports = { grpcPort: portOf(gateway.grpc[0]), httpPort: portOf(gateway.http[0]) };
    mounts = allMounts({ ...ports, gateway } as Opened);
  });
  afterAll(async () => {
    await gateway.close(1_000);
    await control.stop();
  });

  test("one too many is refused on every mount, whichever request brings it; a key that is known still answers", async () => {
    for (const [i, mount] of mounts.entries()) {
      const task = { agentName: "a", namespace: `n${i}` };
      const { answers } = await ask(mount, createTask, { ...task, idempotencyKey: "k" });
      const [{ id }] = answers as unknown as [{ id: string }];
      const batch = await ask(mount, batchCreateTasks, { tasks: [task, task] });
      const [{ results }] = batch.answers as unknown as [{ results: { result: { case: string } }[] }];
      expect(results.map(({ result }) => result.case)).toEqual(["task", "error"]);
      for (const [method, request] of [
        [createTask, task],
        [runTask, { task, waitMs: 1n }],
      ] as const) {
        const { error } = await ask(mount, method, request);
        expect(error, mount.name).toMatchObject({ code: 8, reason: "WAITING_TASKS", retrySeconds: 1 });
        expect(error?.message).toContain(
          `namespace "n${i}" has 2 waiting tasks, the most that waiting-tasks`,
        );
      }
      const again = await ask(mount, createTask, { ...task, idempotencyKey: "k" });
      expect(again.answers).toMatchObject([{ id }]);
    }
  });
});
