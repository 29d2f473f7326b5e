import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type CreateTask, createClient, outputOf, TaskFailed, TaskRunError } from "#client/index";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import {
  aTask,
  Code,
  deadAddr,
  fakePlane,
  lifeOf,
  refuse,
  type TaskRpcs,
  type WorkerRpcs,
} from "./fake-plane.js";

/** Runs a story with a client of a server that answers these rpcs. */
async function withPlane<T>(
  tasks: TaskRpcs,
  story: (client: ReturnType<typeof createClient>) => Promise<T>,
  workers: WorkerRpcs = {},
): Promise<T> {
  await using plane = await fakePlane(tasks, workers);
  const client = createClient({ addr: plane.addr, namespace: "ops", timeoutMs: 60_000 });
  try {
    return await story(client);
  } finally {
    client.close();
  }
}

const failure = (promise: Promise<unknown>): Promise<TaskRunError> =>
  promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error,
  );

test("a task goes out as it was asked for and comes back as a plain object", async () => {
  const request: CreateTask = {
    agent: "support_triage",
    input: { query: "help" },
    labels: { team: "a" },
    priority: -7,
    timeoutMs: 90_000,
    maxAttempts: 3,
    maxLosses: 0,
    workerSelector: { gpu: "yes" },
    correlationId: "c1",
    startAtMs: 1_700_000_000_000,
    idempotencyKey: "k1",
  };
  const task = await withPlane(
    {
      createTask: ({ $typeName: _, idempotencyKey: _key, ...same }) =>
        aTask({ ...same, id: "t1", status: 2, state: 4 }),
    },
    (client) => client.tasks.create(request),
  );

  expect(task).toMatchObject({
    id: "t1",
    agent: "support_triage",
    namespace: "ops",
    status: "RUNNING",
    state: "steps_in_process",
    inputJson: '{"query":"help"}',
    priority: -7,
    timeoutMs: 90_000,
    maxLosses: 0,
    startAtMs: 1_700_000_000_000,
    createdAtMs: 1_000,
    labels: { team: "a" },
    steps: [],
  });
});

test.each<[string, Partial<CreateTask>, string]>([
  ["the client's", { agent: "a" }, "ops"],
  ["its template's, which the server finds", { template: { namespace: "shop", name: "parcel" } }, ""],
  ["the client's if the template names none", { template: { name: "parcel" } }, "ops"],
  ["the request's own", { template: { namespace: "shop", name: "parcel" }, namespace: "own" }, "own"],
])("the namespace of a task is %s", async (_, request, asked) => {
  const { correlationId } = await withPlane(
    { createTask: ({ namespace }) => aTask({ id: "t1", correlationId: `asked ${namespace}` }) },
    (client) => client.tasks.create(request),
  );
  expect(correlationId).toBe(`asked ${asked}`);
});

test("a create whose answer is lost is sent again with the same key, and makes one task", async () => {
  const keys: string[] = [];
  const task = await withPlane(
    {
      createTask({ idempotencyKey }) {
        keys.push(idempotencyKey);
        if (keys.length < 3) refuse(Code.Unavailable, "restarting");
        return aTask();
      },
    },
    (client) => client.tasks.create({ agent: "a" }),
  );

  expect(task.id).toBe("t1");
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).not.toBe("");
});

test("a connection that breaks during a create counts as unavailable", async () => {
  let times = 0;
  await using plane = await fakePlane({
    async createTask() {
      times += 1;
      if (times > 1) return aTask();
      plane.cut();
      await new Promise(() => {});
      return aTask();
    },
  });
  const client = createClient({ addr: plane.addr });

  expect((await client.tasks.create({ agent: "a" })).id).toBe("t1");
  client.close();

  expect(times).toBe(2);
});

test("a create that cannot be cleared up fails with the key to ask again with", async () => {
  const client = createClient({ addr: await deadAddr() });
  const error = await failure(client.tasks.create({ agent: "a", idempotencyKey: "mine" }));
  client.close();

  expect(error).toBeInstanceOf(TaskRunError);
  expect(error).toMatchObject({ code: "UNAVAILABLE", idempotencyKey: "mine" });
});

test("a refusal is not repeated, and its details are read", async () => {
  let times = 0;
  const error = await withPlane(
    {
      createTask() {
        times += 1;
        const fieldViolations = [{ field: "input_json", description: "not JSON" }];
        throw new ConnectError("input_json: not JSON", Code.InvalidArgument, undefined, [
          { desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) },
          {
            desc: ErrorInfoSchema,
            value: create(ErrorInfoSchema, { reason: "INVALID", metadata: { at: "3" } }),
          },
          {
            desc: RetryInfoSchema,
            value: create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 500_000_000 } }),
          },
        ]);
      },
    },
    (client) => failure(client.tasks.create({ agent: "a", inputJson: "{" })),
  );

  expect(times).toBe(1);
  expect(error).toMatchObject({
    code: "INVALID_ARGUMENT",
    message: "input_json: not JSON",
    reason: "INVALID",
    retryAfterMs: 1_500,
    violations: [{ field: "input_json", description: "not JSON" }],
    metadata: { at: "3" },
  });
});

test.each([
  [Code.Internal, "INTERNAL"],
  [Code.Unknown, "UNKNOWN"],
  [Code.Aborted, "ABORTED"],
])("what a server itself answers keeps its code (%s)", async (code, name) => {
  const error = await withPlane({ getTask: () => refuse(code, "so it is") }, (client) =>
    failure(client.tasks.get("t1")),
  );

  expect(error).toMatchObject({ code: name, message: "so it is" });
});

test("a call that takes too long fails, and one its caller gave up is cancelled", async () => {
  const never = { getTask: () => new Promise<never>(() => {}) };

  const late = await withPlane(never, (client) => failure(client.tasks.get("t1", { timeoutMs: 50 })));
  const stopped = await withPlane(never, (client) =>
    failure(client.tasks.get("t1", { signal: AbortSignal.timeout(50) })),
  );

  expect([late.code, stopped.code]).toEqual(["DEADLINE_EXCEEDED", "CANCELLED"]);
});

test("a batch answers for each request, in order", async () => {
  const results = await withPlane(
    {
      batchCreateTasks: ({ tasks }) => ({
        results: tasks.map(({ agentName }) =>
          agentName === "full"
            ? {
                result: {
                  case: "error" as const,
                  value: { code: 8, message: "full", reason: "FULL", retryAfterMs: 9n },
                },
              }
            : { result: { case: "task" as const, value: aTask({ id: agentName }) } },
        ),
      }),
    },
    (client) => client.tasks.createMany([{ agent: "a" }, { agent: "full" }, { agent: "b" }]),
  );

  expect(
    results.map((result) =>
      result.ok ? result.task.id : `${result.error.code} ${result.error.retryAfterMs}`,
    ),
  ).toEqual(["a", "RESOURCE_EXHAUSTED 9", "b"]);
});

test("a list reads page after page, also past an empty one, and no more than is asked for", async () => {
  const pages: Record<string, [string[], string]> = {
    "": [["t9", "t8"], "p2"],
    p2: [[], "p3"],
    p3: [["t1"], ""],
  };
  const asked: string[] = [];
  const rpcs: TaskRpcs = {
    listTasks({ pageToken, statusFilter, agentFilter, namespace }) {
      asked.push([pageToken, statusFilter, agentFilter, namespace].join(" "));
      const [ids = [], nextPageToken = ""] = pages[pageToken] ?? [];
      return { tasks: ids.map((id) => aTask({ id })), nextPageToken };
    },
  };

  const ids = await withPlane(rpcs, async (client) => {
    const seen: string[] = [];
    for await (const { id } of client.tasks.list({ status: "FAILED", agent: "a" })) seen.push(id);
    for await (const { id } of client.tasks.list({ namespace: "x" })) if (id === "t9") break;
    return seen;
  });

  expect(ids).toEqual(["t9", "t8", "t1"]);
  expect(asked).toEqual([" 4 a ops", "p2 4 a ops", "p3 4 a ops", " 0  x"]);
});

test("a filter is sent field by field, and what cannot be sent is refused before", async () => {
  const asked: object[] = [];
  const rpcs: TaskRpcs = {
    listTasks({ $typeName: _, ...request }) {
      asked.push(request);
      return { tasks: [] };
    },
  };
  const answers = await withPlane(rpcs, async ({ tasks }) => {
    await tasks.page({
      states: ["pending", "blocked_by_failures"],
      template: { name: "trip" },
      namespace: "",
      createdAfterMs: 1_700_000_000_000,
      createdBeforeMs: 1_700_000_000_001,
      parentTaskId: "p",
      correlationId: "c",
      createdBy: "ann",
      waiting: "WORKER",
    });
    const wrong = [{ states: ["odd"] }, { states: "pending" }, { createdAfterMs: 5 }, { template: "trip" }];
    return Promise.all(wrong.map((each) => tasks.page(each as never).catch(({ message }) => message)));
  });

  expect(asked).toMatchObject([
    {
      states: [1, 8],
      template: { namespace: "", name: "trip", version: "" },
      namespace: "",
      createdAfterMs: 1_700_000_000_000n,
      createdBeforeMs: 1_700_000_000_001n,
      parentTaskId: "p",
      correlationId: "c",
      createdBy: "ann",
      waiting: "WORKER",
    },
  ]);
  expect(answers).toMatchInlineSnapshot(`
    [
      "states[0] is "odd"; it is one of pending, initializing, enqueuing_steps, steps_in_process, evaluating_results, waiting_for_dependencies, waiting_for_retry, blocked_by_failures, complete, error, cancelled, resolved_manually.",
      "states is no array of states.",
      "created_after_ms is 5, which is 1970-01-01T00:00:00.005Z: send Unix milliseconds, not seconds.",
      "template is "trip"; send an object.",
    ]
  `);
});

test("run waits for the result, and throws what kept the task from one", async () => {
  const rpcs = (status: number): TaskRpcs => ({
    createTask: () => aTask(),
    async *watchTask({ afterSeq }) {
      yield* lifeOf("t1", ["hi"]).slice(Number(afterSeq));
    },
    getTask: () =>
      status === 3
        ? aTask({ status, state: 9, outputJson: '{"ok":true}' })
        : aTask({ status, state: 10, errorMessage: "boom", runs: [{ runId: "r1", reason: "AGENT_ERROR" }] }),
  });
  const seen: string[] = [];
  const onEvent = ({ type }: { type: string }) => void seen.push(type);

  expect(await withPlane(rpcs(3), (client) => client.tasks.run({ agent: "a" }, { onEvent }))).toEqual({
    ok: true,
  });
  expect(seen).toEqual(["task", "run", "output", "run", "task"]);
  const error = await withPlane(rpcs(4), (client) => failure(client.tasks.run({ agent: "a" })));
  expect(error).toBeInstanceOf(TaskFailed);
  expect(error).toMatchObject({ message: "task t1 failed: boom", reason: "AGENT_ERROR" });
});

test("results are parsed, and absent ones undefined", async () => {
  const rpcs: TaskRpcs = {
    getTask: ({ id }) => aTask({ id, status: 3, state: 9, outputJson: id === "none" ? "" : "[1]" }),
    getStepResult: ({ taskId, stepName }) => ({ outputJson: JSON.stringify([taskId, stepName]) }),
  };

  await withPlane(rpcs, async ({ tasks }) => {
    expect(await tasks.result("t1")).toEqual([1]);
    expect(await tasks.result("none")).toBeUndefined();
    expect(await tasks.stepResult("t1")).toEqual(["t1", "main"]);
    expect(outputOf(await tasks.get("t1"))).toEqual([1]);
  });
});

test("workers are listed, read and drained", async () => {
  const worker = { workerId: "w1", status: 2, activeRuns: 1, maxConcurrentRuns: 4, lastHeartbeatMs: 7n };
  const workers: WorkerRpcs = {
    listWorkers: ({ agentName, status, namespace }) => ({
      workers: [{ ...worker, hostname: `${agentName} ${status}`, namespaces: [namespace] }],
    }),
    getWorker: ({ workerId }) => ({ ...worker, workerId }),
    drainWorker: ({ workerId, reason }) => ({ ...worker, workerId, status: 3, hostname: reason }),
  };

  await withPlane(
    {},
    async (client) => {
      expect(await client.workers.list()).toMatchObject([
        { id: "w1", status: "BUSY", hostname: "undefined undefined" },
      ]);
      expect(await client.workers.list({ agent: "a", status: "IDLE" })).toMatchObject([{ hostname: "a 1" }]);
      expect(await client.workers.list({ namespace: "shop" })).toMatchObject([{ namespaces: ["shop"] }]);
      expect(await client.workers.get("w2")).toMatchObject({ id: "w2", lastHeartbeatMs: 7 });
      expect(await client.workers.drain("w2", "old")).toMatchObject({
        id: "w2",
        status: "DRAINING",
        hostname: "old",
      });
    },
    workers,
  );
});

test("an address may leave out its port, and must be one", () => {
  for (const addr of ["localhost", "[::1]:1234", "http://127.0.0.1:1"]) createClient({ addr }).close();

  expect(() => createClient({ addr: "no such thing" })).toThrow(
    'addr "no such thing" has a space in it; commas separate several addresses: write HOST:PORT or an http(s) URL',
  );
  expect(() => createClient({ addr: "host:1/path" })).toThrow(TaskRunError);
});
