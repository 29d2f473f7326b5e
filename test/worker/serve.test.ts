import { expect, test } from "vitest";
import { z } from "zod";
import { RunStatus, WorkerStatus } from "#wire/gen/taskrun/v1/common_pb";
import { agent } from "#worker/agent/agent";
import { AgentError } from "#worker/agent/error";
import { serve } from "#worker/serve";
import { echo, latch, silent, startPlane, startWorker } from "./kit/workbench.js";

test("a worker says who it is, and beats at once and again with what it holds", async () => {
  const plane = await startPlane();
  const { id } = await startWorker(plane, {
    id: "w-1",
    labels: { zone: "a" },
    maxRuns: 3,
    namespaces: ["n"],
  });
  const session = await plane.accept();

  const hello = await session.hear("hello");
  expect(hello).toMatchObject({ protocol: 2, resume: [] });
  expect(hello.instance).toMatch(/^[0-9a-f-]{36}$/);
  expect(hello.info).toMatchObject({
    workerId: id,
    labels: { zone: "a" },
    maxConcurrentRuns: 3,
    namespaces: ["n"],
    agents: [{ name: "echo" }],
  });

  session.welcome({ heartbeatMs: 5 });
  const idle = {
    workerId: "w-1",
    status: WorkerStatus.IDLE,
    activeRuns: 0,
    maxConcurrentRuns: 3,
    heldRunIds: [],
  };
  expect(await session.hear("heartbeat")).toMatchObject({ ...idle, beat: 1n, lastOrdinal: 0n });
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");
  expect(await session.hear("heartbeat")).toMatchObject({
    status: WorkerStatus.BUSY,
    activeRuns: 1,
    heldRunIds: ["r1"],
    lastOrdinal: 1n,
  });
});

test("a worker reaches a plane that listens on IPv6 only", async () => {
  const plane = await startPlane("::1");
  await startWorker(plane);

  const session = await plane.accept();

  expect(await session.hear("hello")).toMatchObject({ protocol: 2 });
});

test("a run is started, streamed and ended, and held until its end is recorded", async () => {
  const plane = await startPlane();
  const greet = agent({
    name: "greet",
    backends: [{ provider: "builtin", modelName: "greet" }],
    input: z.object({ name: z.string() }),
    async *run({ name }, ctx) {
      ctx.event("SESSION_INITIALIZED", { model: "none" });
      yield `Hello ${name}`;
      yield { greetings: 1 };
      ctx.chat("ASSISTANT", "bye");
      return { greeted: name };
    },
  });
  await startWorker(plane, { agents: [greet] });
  const session = await plane.greet({ heartbeatMs: 5 });
  session.assign({ runId: "r1", agentName: "greet", fence: 7, inputJson: '{"name":"Ada"}' });

  const key = { runId: "r1", fence: 7 };
  expect(await session.next()).toMatchObject({ value: { ...key, status: RunStatus.RUNNING } });
  expect(await session.next()).toMatchObject({ case: "event", value: { ...key, taskId: "t1", id: "r1-1" } });
  expect(await session.next()).toMatchObject({ value: { ...key, seq: 0n, content: "Hello Ada" } });
  expect(await session.next()).toMatchObject({ value: { ...key, seq: 1n, content: '{"greetings":1}\n' } });
  expect(await session.next()).toMatchObject({
    case: "chatMessage",
    value: { ...key, message: { content: "bye" } },
  });
  expect(await session.next()).toMatchObject({
    value: {
      ...key,
      status: RunStatus.COMPLETED,
      outputJson: '{"greeted":"Ada"}',
      outputCount: 2n,
      backendUsed: { provider: "builtin", modelName: "greet" },
    },
  });

  expect(await session.hear("heartbeat")).toMatchObject({ heldRunIds: ["r1"] });
  session.ack({ ackType: "output", refId: "r1", nextSeq: 2n });
  session.ack({ ackType: "status", refId: "r1" });
  let beat = await session.hear("heartbeat");
  while (beat.heldRunIds.length > 0) beat = await session.hear("heartbeat");
  expect(beat.status).toBe(WorkerStatus.IDLE);
});

test("a run is let go of, although its end is just being said again when the acknowledgement comes", async () => {
  const plane = await startPlane();
  await startWorker(plane);
  const session = await plane.greet({ heartbeatMs: 1 });

  for (let i = 0; i < 40; i += 1) {
    const runId = `r${i}`;
    session.assign({ runId });
    await session.hearEnd();
    for (let beats = 0; beats <= i % 4; beats += 1) await session.hear("heartbeat");
    session.ack({ ackType: "status", refId: runId });
    let beat = await session.hear("heartbeat");
    while (beat.heldRunIds.length > 0) beat = await session.hear("heartbeat");
  }
});

test.each([
  [
    "an input that does not fit",
    "{}",
    { errorMessage: /^input_json does not fit the agent: a: Invalid/, retryable: false },
  ],
  ["an input that is no JSON", "{", { errorMessage: /^input_json is not JSON/, retryable: false }],
  [
    "an agent's own verdict",
    '{"a":"verdict"}',
    { errorMessage: /^later$/, retryable: true, retryAfterMs: 5n },
  ],
  ["any other error", '{"a":"throw"}', { errorMessage: /^TypeError: oops$/ }],
  [
    "a result that is no JSON",
    '{"a":"cycle"}',
    { errorMessage: /cannot be written as JSON/, retryable: false },
  ],
  [
    "a result over 1 MiB",
    '{"a":"large"}',
    { errorMessage: /1048578 bytes .* at most 1048576/, retryable: false },
  ],
])("%s fails the run and says whether to try again", async (_, inputJson, { errorMessage, ...expected }) => {
  const plane = await startPlane();
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const moody = agent({
    name: "echo",
    input: z.object({ a: z.string() }),
    async run({ a }) {
      if (a === "verdict") throw new AgentError("later", { retryable: true, retryAfterMs: 5 });
      if (a === "throw") throw new TypeError("oops");
      return a === "cycle" ? cycle : "x".repeat(1024 * 1024);
    },
  });
  await startWorker(plane, { agents: [moody] });
  const session = await plane.greet();
  session.assign({ runId: "r1", inputJson });

  const end = await session.hearEnd();

  expect(end.status).toBe(RunStatus.FAILED);
  expect(end.errorMessage).toMatch(errorMessage);
  expect(end).toMatchObject(expected);
  expect(end.retryable).toBe("retryable" in expected ? expected.retryable : undefined);
});

test("a run that ends at once tells only its end; one that waits for anything tells its start first", async () => {
  const plane = await startPlane();
  const moody = echo(async (input) => {
    for (let i = 0; i < 100; i += 1) await undefined;
    if (input === "waited") await new Promise((resolve) => setImmediate(resolve));
    return input;
  });
  await startWorker(plane, { agents: [moody] });
  const session = await plane.greet();

  session.assign({ runId: "r1", inputJson: '"at once"' });
  const completed = { status: RunStatus.COMPLETED };
  expect(await session.next()).toMatchObject({ value: { ...completed, outputJson: '"at once"' } });

  session.assign({ runId: "r2", inputJson: '"waited"' });
  expect(await session.next()).toMatchObject({ value: { runId: "r2", status: RunStatus.RUNNING } });
  expect(await session.next()).toMatchObject({ value: { ...completed, outputJson: '"waited"' } });
});

test("what cannot be taken is declined, and a repeated assignment is neither taken nor declined", async () => {
  const plane = await startPlane();
  const hold = latch();
  let begun = 0;
  const slow = echo(() => {
    begun += 1;
    return hold.opened;
  });
  await startWorker(plane, { agents: [slow], maxRuns: 1 });
  const session = await plane.greet();

  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");
  session.assign({ runId: "r1" });
  session.assign({ runId: "r2" });
  session.assign({ runId: "r3", agentName: "nobody" });

  expect(await session.hear("decline")).toMatchObject({ runId: "r2", reason: "all 1 places are taken" });
  expect(await session.hear("decline")).toMatchObject({
    runId: "r3",
    reason: 'no agent "nobody" here; this worker has echo',
  });
  hold.open();
  expect(await session.hear("statusUpdate")).toMatchObject({ runId: "r1", status: RunStatus.COMPLETED });
  session.ack({ ackType: "status", refId: "r1" });
  session.assign({ runId: "r1" });
  session.assign({ runId: "r4" });
  expect(await session.hear("statusUpdate")).toMatchObject({ runId: "r4", status: RunStatus.COMPLETED });
  expect(begun).toBe(2);
});

test("an agent that ignores the end of its run keeps its place", async () => {
  const plane = await startPlane();
  await startWorker(plane, { agents: [echo(() => new Promise(() => {}))], maxRuns: 1 });
  const session = await plane.greet({ heartbeatMs: 5 });
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  session.send({ case: "cancelRun", value: { runId: "r1", reason: "test" } });
  session.assign({ runId: "r2" });

  expect(await session.hear("decline")).toMatchObject({ runId: "r2" });
  expect(await session.hear("heartbeat")).toMatchObject({ heldRunIds: ["r1"] });
});

test("a plane that refuses the worker for good ends it, with the plane's reason", async () => {
  const plane = await startPlane();
  const { closed } = await startWorker(plane);
  const session = await plane.accept();
  session.fail("info.worker_id is taken");

  await expect(closed).rejects.toThrow(/refuses this worker: info.worker_id is taken/);
});

test.each(["gpu.1:a", "A_-", ".", "x".repeat(256)])(
  "serve takes every id that the protocol takes (%s)",
  async (id) => {
    const agents = [echo(async () => undefined)];
    const worker = await serve({ agents, log: silent, handleSignals: false, id, addr: "localhost:9" });
    expect(worker.id).toBe(id);
    worker.close();
    await worker.closed;
  },
);

test.each([
  [{ agents: [] }, /agents is empty/],
  [{ id: "" }, /id "" is not/],
  [{ id: "x".repeat(257) }, /is not 1 to 256/],
  [{ id: "wörker" }, /id "wörker" is not/],
  [{ id: 5 as unknown as string }, /id is .*, not 1 to 256/],
  [{ id: "worker 1" }, /id "worker 1" is not 1 to 256 letters, digits, "-", "_", "\." or ":"/],
  [{ maxRuns: 0 }, /maxRuns is 0/],
  [{ namespaces: ["a", ""] }, /namespaces\[1\] is empty: name a namespace, or leave namespaces out for all/],
  [{ namespaces: "a" as unknown as string[] }, /namespaces is a string: send a list of names/],
  [{ addr: "nowhere:port" }, /addr "nowhere:port" is none: write HOST:PORT/],
  [{ labels: { a: "x".repeat(300) } }, /labels has an entry "a" whose name or value is over 256 bytes/],
])("serve refuses %o and names the option", async (options, message) => {
  const agents = [echo(async () => undefined)];

  await expect(serve({ agents, log: silent, handleSignals: false, ...options })).rejects.toThrow(message);
});
