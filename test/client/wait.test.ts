/** How the client awaits results: by one request that waits, again when it is interrupted, and by watching an older server. */
import { ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createClient, type RunOptions, TaskFailed, TaskRunError } from "#client/index";
import { limits } from "#limits/index";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import {
  aTask,
  Code,
  deadAddr,
  type FakePlane,
  fakePlane,
  lifeOf,
  refuse,
  type TaskRpcs,
} from "./fake-plane.js";

type Client = ReturnType<typeof createClient>;
type Story<T> = (client: Client, plane: FakePlane) => Promise<T>;

/** A server that keeps what it was asked, in order: the rpc, and the key or id. */
async function asked<T>(
  rpcs: TaskRpcs,
  story: Story<T>,
): Promise<{ readonly seen: string[]; readonly told: T }> {
  const seen: string[] = [];
  const noted = Object.entries(rpcs).map(([name, handle]) => {
    const note = (
      request: { id?: string; idempotencyKey?: string; task?: { idempotencyKey?: string } },
      ...rest: []
    ) => {
      seen.push(`${name} ${request.task?.idempotencyKey ?? request.idempotencyKey ?? request.id ?? ""}`);
      return (handle as (...all: unknown[]) => unknown)(request, ...rest);
    };
    return [name, note];
  });
  await using plane = await fakePlane(Object.fromEntries(noted));
  const client = createClient({ addr: plane.addr, timeoutMs: 20_000 });
  try {
    return { told: await story(client, plane), seen };
  } finally {
    client.close();
  }
}

const failure = (promise: Promise<unknown>): Promise<TaskRunError> =>
  promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error,
  );
const done = (id = "t1", outputJson = '{"ok":true}') =>
  aTask({ id, status: 3, state: 9, finishedAtMs: 2_000n, outputJson });
const request = { agent: "a", idempotencyKey: "k1" };
const refused = (code: Code, reason: string, seconds = 0n): never => {
  throw new ConnectError(reason, code, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain: "taskrun" } },
    ...(seconds > 0n ? [{ desc: RetryInfoSchema, value: { retryDelay: { seconds, nanos: 0 } } }] : []),
  ]);
};

test("a run is one request, whose wait and whose deadline belong together", async () => {
  let waitMs = 0n;
  let timeoutMs = 0;
  const { seen, told } = await asked(
    {
      runTask: (asked, { timeoutMs: left }) => {
        waitMs = asked.waitMs;
        timeoutMs = left() ?? 0;
        return done();
      },
    },
    ({ tasks }) => tasks.run(request),
  );
  expect([seen, told]).toEqual([["runTask k1"], { ok: true }]);
  expect(waitMs).toBe(BigInt(limits.waitDefault));
  expect(timeoutMs).toBeGreaterThan(limits.waitDefault + 15_000);
});

test("a connection that is lost costs nothing: the same key waits again, and once the id is known, the id", async () => {
  let plane: FakePlane | undefined;
  let calls = 0;
  const lost: string[] = [];
  const rpcs: TaskRpcs = {
    runTask: async () => {
      calls += 1;
      if (calls > 1) return aTask({ id: "t1", status: 2 });
      plane?.cut();
      return new Promise(() => {});
    },
    waitTask: ({ id }) => {
      calls += 1;
      if (calls < 5) refused(Code.Unavailable, "DRAINING");
      return done(id);
    },
  };
  const { seen, told } = await asked(rpcs, ({ tasks }, own) => {
    plane = own;
    return tasks.run(request, { onLost: ({ reason }) => lost.push(reason) });
  });
  expect(told).toEqual({ ok: true });
  expect(seen).toEqual(["runTask k1", "runTask k1", "waitTask t1", "waitTask t1", "waitTask t1"]);
  expect(lost).toEqual(["CONNECTION_LOST", "DRAINING", "DRAINING"]);
});

test("a request without a key gets one, which stays the same", async () => {
  let calls = 0;
  const { seen } = await asked(
    { runTask: () => (++calls < 3 ? refused(Code.DeadlineExceeded, "late") : done()) },
    ({ tasks }) => tasks.run({ agent: "a" }),
  );
  expect(seen).toHaveLength(3);
  expect(new Set(seen).size).toBe(1);
  expect(seen[0]).toMatch(/^runTask drawn:/);
});

test("an answer for which there was no room is asked for again; what was not stored is the caller's to repeat", async () => {
  let calls = 0;
  const full = () => (++calls < 2 ? refused(Code.ResourceExhausted, "ANSWERS_FULL", 1n) : done());
  expect((await asked({ runTask: full }, ({ tasks }) => tasks.run(request))).seen).toHaveLength(2);

  for (const reason of ["TOO_MANY_WAITERS", "MAILBOX_FULL", "TOO_MANY_STREAMS"]) {
    const { seen, told } = await asked(
      { runTask: () => refused(Code.ResourceExhausted, reason, 1n) },
      ({ tasks }) => failure(tasks.run(request)),
    );
    expect([seen.length, told.code, told.reason, told.idempotencyKey]).toEqual([
      1,
      "RESOURCE_EXHAUSTED",
      reason,
      "k1",
    ]);
  }
  const large = await asked(
    { waitTask: () => refused(Code.ResourceExhausted, "ANSWER_TOO_LARGE") },
    ({ tasks }) => failure(tasks.wait("t1")),
  );
  expect([large.seen.length, large.told.reason]).toEqual([1, "ANSWER_TOO_LARGE"]);
});

test("what is refused until tomorrow is told at once, also where the task may exist", async () => {
  let calls = 0;
  const spent = () =>
    ++calls < 2
      ? refused(Code.DeadlineExceeded, "late")
      : refused(Code.ResourceExhausted, "DAILY_OUTPUT", 40_000n);
  const { seen, told } = await asked({ runTask: spent }, ({ tasks }) => failure(tasks.run(request)));
  expect([seen.length, told.reason]).toEqual([2, "DAILY_OUTPUT"]);
});

test("a server that is not there is given up after a few tries, with the key to go on with", async () => {
  const client = createClient({ addr: await deadAddr() });
  const error = await failure(client.tasks.run(request));
  client.close();
  expect([error.code, error.reason, error.idempotencyKey]).toEqual(["UNAVAILABLE", "CANNOT_CONNECT", "k1"]);
});

test("a server that does not wait, nor say how the task ended, is not asked without end", async () => {
  const { seen } = await asked({ waitTask: ({ id }) => aTask({ id, status: 2 }) }, ({ tasks }) =>
    failure(tasks.wait("t1", { signal: AbortSignal.timeout(1_500) })),
  );
  expect(seen.length).toBeGreaterThan(1);
  expect(seen.length).toBeLessThan(40);
});

const older = (): TaskRpcs => ({
  createTask: () => aTask({ id: "t1" }),
  getTask: ({ id }) => done(id),
  async *watchTask({ id }) {
    yield* lifeOf(id, ["x"]);
  },
});

test("an older server, which does not know the request, is watched: with the same key, the same task", async () => {
  const { seen, told } = await asked(older(), ({ tasks }) => tasks.run(request));
  expect([seen, told]).toEqual([["createTask k1", "watchTask t1", "getTask t1"], { ok: true }]);
  const waited = await asked(older(), ({ tasks }) => tasks.wait("t7"));
  expect([waited.seen, waited.told.id]).toEqual([["watchTask t7", "getTask t7"], "t7"]);
});

test("a server that is replaced by an older one while the task runs is watched too, by the id", async () => {
  const { seen } = await asked({ ...older(), runTask: () => aTask({ id: "t1", status: 2 }) }, ({ tasks }) =>
    tasks.run(request),
  );
  expect(seen).toEqual(["runTask k1", "watchTask t1", "getTask t1"]);
});

test("who wants the events watches, and gets all of them", async () => {
  const events: number[] = [];
  const options: RunOptions = { onEvent: ({ seq }) => events.push(seq) };
  const newer = { ...older(), runTask: () => done(), waitTask: () => done() };
  const { seen } = await asked(newer, ({ tasks }) => tasks.run(request, options));
  expect([seen, events]).toEqual([
    ["createTask k1", "watchTask t1", "getTask t1"],
    [1, 2, 3, 4, 5],
  ]);
});

test("a signal ends the wait at once, not the task; the error says which task, or has the key", async () => {
  const never = () => new Promise<never>(() => {});
  const rpcs = { runTask: never, waitTask: never };
  const signal = () => AbortSignal.timeout(50);
  const waited = await asked(rpcs, ({ tasks }) => failure(tasks.wait("t1", { signal: signal() })));
  expect(waited.told).toMatchObject({
    code: "CANCELLED",
    message: "stopped waiting for task t1, which goes on",
  });
  const ran = await asked(rpcs, ({ tasks }) => failure(tasks.run(request, { signal: signal() })));
  expect(ran.told).toMatchObject({ code: "CANCELLED", idempotencyKey: "k1" });
  expect(ran.seen).toHaveLength(1);
  const before = await asked(rpcs, ({ tasks }) =>
    failure(tasks.run(request, { signal: AbortSignal.abort() })),
  );
  expect([before.told.code, before.seen]).toEqual(["CANCELLED", []]);
});

test("a signal that fires between two tries ends the wait without another one", async () => {
  const stop = new AbortController();
  const { seen, told } = await asked(
    { waitTask: () => refused(Code.Unavailable, "DRAINING", 30n) },
    ({ tasks }) =>
      failure(tasks.wait("t1", { signal: stop.signal, onLost: () => setTimeout(() => stop.abort(), 20) })),
  );
  expect([seen.length, told.message]).toEqual([1, "stopped waiting for task t1, which goes on"]);
});

test("a task that failed is thrown whole; what kept it from being created names the caller's own fields", async () => {
  const run = { runId: "r", status: 5, reason: "AGENT_ERROR", stepName: "main", attempt: 1 };
  const failed = aTask({ status: 4, errorMessage: "boom", runs: [run], finishedAtMs: 5n });
  const { told } = await asked({ runTask: () => failed }, ({ tasks }) => failure(tasks.run(request)));
  expect(told).toBeInstanceOf(TaskFailed);
  expect(told).toMatchObject({ reason: "AGENT_ERROR", task: { errorMessage: "boom" } });

  const description = "task.input_json is no JSON";
  const bad = new ConnectError(description, Code.InvalidArgument, undefined, [
    { desc: BadRequestSchema, value: { fieldViolations: [{ field: "task.input_json", description }] } },
  ]);
  const wrong = await asked({ runTask: () => Promise.reject(bad) }, ({ tasks }) =>
    failure(tasks.run(request)),
  );
  expect(wrong.told).toBeInstanceOf(TaskRunError);
  expect(wrong.told.violations).toEqual([{ field: "input_json", description: "input_json is no JSON" }]);
  expect([wrong.told.message, wrong.seen.length]).toEqual(["input_json is no JSON", 1]);
});

const step = (name: string, outputBytes: number, dependsOn: string[] = []) => {
  return { name, state: 7, dependsOn, outputBytes: BigInt(outputBytes) };
};
const texts: Record<string, string> = { a: '{"n":1.10}', b: "[1]" };
const stepRpcs = (steps: ReturnType<typeof step>[]): TaskRpcs => ({
  runTask: () => aTask({ id: "t1", status: 3, finishedAtMs: 5n, steps }),
  getTask: () => aTask({ id: "t1", status: 3, finishedAtMs: 5n, steps }),
  getStepResult: ({ stepName }) => ({ outputJson: texts[stepName] ?? "" }),
});

test("a result that had no room in the answer is read Step by Step, as one Step's or as an object of several", async () => {
  const one = await asked(stepRpcs([step("first", 9_000_000), step("a", 900_000, ["first"])]), ({ tasks }) =>
    tasks.run(request),
  );
  expect([one.told, one.seen]).toEqual([{ n: 1.1 }, ["runTask k1", "getStepResult "]]);

  const fan = stepRpcs([
    step("first", 1),
    step("a", 900_000, ["first"]),
    step("b", 900_000, ["first"]),
    step("c", 0, ["first"]),
  ]);
  const several = await asked(fan, ({ tasks }) => tasks.resultJson("t1"));
  expect(several.told).toBe('{"a":{"n":1.10},"b":[1],"c":null}');

  const none = await asked(stepRpcs([step("a", 0)]), async ({ tasks }) => [
    await tasks.run(request),
    await tasks.resultJson("t1"),
  ]);
  expect([none.told, none.seen]).toEqual([
    [undefined, ""],
    ["runTask k1", "getTask t1"],
  ]);

  const huge = stepRpcs(Array.from({ length: 80 }, (_, i) => step(`s${i}`, 1_000_000)));
  const error = await asked(huge, ({ tasks }) => failure(tasks.result("t1")));
  expect([error.told.reason, error.seen]).toEqual(["RESULT_TOO_LARGE", ["getTask t1"]]);
});

test("a result is asked for as it is, or waited for", async () => {
  const rpcs: TaskRpcs = {
    getTask: ({ id }) => aTask({ id, status: 2 }),
    waitTask: ({ id }) => done(id, "7"),
  };
  const { seen, told } = await asked(rpcs, async ({ tasks }) => [
    await tasks.result("t1", { wait: true }),
    (await failure(tasks.result("t1"))).message,
  ]);
  expect(told).toEqual([7, "task t1 is RUNNING and has no result yet; wait for it with tasks.wait(id)"]);
  expect(seen).toEqual(["waitTask t1", "getTask t1"]);
});

test("a task that is not there ends the wait at once", async () => {
  const { seen, told } = await asked(
    { waitTask: () => refuse(Code.NotFound, "Task not found: t1") },
    ({ tasks }) => failure(tasks.wait("t1")),
  );
  expect([seen.length, told.code]).toEqual([1, "NOT_FOUND"]);
});
