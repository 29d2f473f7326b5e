import { expect, test } from "vitest";
import { z } from "zod";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { agent } from "#worker/agent/agent";
import type { AgentContext } from "#worker/agent/context";
import { comeBack, echo, latch, settle, startPlane, startWorker, stopTime } from "./kit/workbench.js";

/** Says a word and stops at a checkpoint. */
const pausing = echo(async (_, ctx) => {
  await ctx.output("a");
  return ctx.yield({ line: 10 }, { sum: 3 });
});

const checkpoint = { runId: "r1", fence: 4, cursorJson: '{"line":10}', outputJson: '{"sum":3}' };

test("an agent stops at a checkpoint after its output, and is held until that is recorded", async () => {
  const plane = await startPlane();
  await startWorker(plane, { agents: [pausing] });
  const session = await plane.greet({ heartbeatMs: 100 });
  session.assign({ runId: "r1", fence: 4 });

  expect(await session.next()).toMatchObject({ value: { status: RunStatus.RUNNING } });
  expect(await session.next()).toMatchObject({ case: "outputChunk", value: { seq: 0n } });
  expect(await session.next()).toMatchObject({ case: "yield", value: checkpoint });

  expect(await session.hear("heartbeat")).toMatchObject({ heldRunIds: ["r1"] });
  session.ack({ ackType: "output", refId: "r1", nextSeq: 1n });
  session.ack({ ackType: "status", refId: "r1" });
  let beat = await session.hear("heartbeat");
  while (beat.heldRunIds.length > 0) beat = await session.hear("heartbeat");
});

test("the next run of the step finds cursor and output, on the same worker too", async () => {
  const plane = await startPlane();
  const counting = echo(async (_, { checkpoint: last, yield: pause }) =>
    last ? { resumed: last } : pause(1, "one"),
  );
  await startWorker(plane, { agents: [counting] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  const { cursorJson, outputJson } = await session.hear("yield");
  session.ack({ ackType: "status", refId: "r1" });

  session.assign({
    runId: "r2",
    inputJson: `{"checkpoint":{"cursor":${cursorJson},"output":${outputJson}}}`,
  });

  expect(await session.hearEnd()).toMatchObject({
    status: RunStatus.COMPLETED,
    outputJson: '{"resumed":{"cursor":1,"output":"one"}}',
  });
});

test("an agent that yields output stops at a checkpoint by returning", async () => {
  const plane = await startPlane();
  const lines = agent({
    name: "echo",
    input: z.unknown(),
    async *run(_, ctx) {
      yield "line";
      return ctx.yield(undefined);
    },
  });
  await startWorker(plane, { agents: [lines] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });

  expect(await session.hear("outputChunk")).toMatchObject({ content: "line" });
  expect(await session.hear("yield")).toMatchObject({ cursorJson: "null", outputJson: "" });
});

test("a checkpoint that is yielded instead of returned fails the run", async () => {
  const plane = await startPlane();
  const confused = agent({
    name: "echo",
    input: z.unknown(),
    async *run(_, ctx) {
      yield ctx.yield(1);
    },
  });
  await startWorker(plane, { agents: [confused] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });

  expect((await session.hearEnd()).errorMessage).toMatch(/return what ctx.yield gives/);
});

test("a checkpoint whose acknowledgement is lost is told again with the heartbeats", async () => {
  const plane = await startPlane();
  await startWorker(plane, { agents: [pausing] });
  const session = await plane.greet({ heartbeatMs: 5 });
  session.assign({ runId: "r1", fence: 4 });

  expect(await session.hear("yield")).toMatchObject(checkpoint);
  expect(await session.hear("yield")).toMatchObject(checkpoint);
});

test("after a lost connection a checkpoint is told again, behind the output that is not durable", async () => {
  stopTime();
  const plane = await startPlane();
  await startWorker(plane, { agents: [pausing] });
  const first = await plane.greet();
  first.assign({ runId: "r1", fence: 4 });
  await first.hear("yield");
  plane.cut();

  const second = await comeBack(plane);
  expect(await second.hear("hello")).toMatchObject({ resume: [{ runId: "r1", fence: 4, nextSeq: 0n }] });
  second.welcome();
  second.ack({ ackType: "output", refId: "r1", nextSeq: 0n });

  expect(await second.next()).toMatchObject({ value: { status: RunStatus.RUNNING } });
  expect(await second.next()).toMatchObject({ case: "outputChunk", value: { seq: 0n, content: "a" } });
  expect(await second.next()).toMatchObject({ case: "yield", value: checkpoint });
});

test("a checkpoint reached while nobody listens is told once the plane has said from where", async () => {
  stopTime();
  const plane = await startPlane();
  const { opened, open } = latch();
  const { opened: begun, open: begin } = latch<AgentContext>();
  const waiting = echo(async (_, ctx) => {
    begin(ctx);
    await opened;
    return ctx.yield(1);
  });
  await startWorker(plane, { agents: [waiting] });
  const first = await plane.greet();
  first.assign({ runId: "r1" });
  await begun;
  plane.cut();
  await settle();
  open();

  const second = await comeBack(plane);
  await second.hear("hello");
  second.welcome();
  await second.hear("heartbeat");
  await settle();
  expect(second.log.some((said) => said.case === "yield")).toBe(false);
  second.ack({ ackType: "output", refId: "r1", nextSeq: 0n });

  expect(await second.hear("yield")).toMatchObject({ runId: "r1", cursorJson: "1" });
});

test("a run that is cancelled while its agent comes to a checkpoint is cancelled", async () => {
  const plane = await startPlane();
  const heedless = echo(async (_, ctx) => {
    await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve, { once: true }));
    return ctx.yield(1);
  });
  await startWorker(plane, { agents: [heedless] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  session.send({ case: "cancelRun", value: { runId: "r1", reason: "enough" } });

  expect(await session.next()).toMatchObject({
    case: "statusUpdate",
    value: { status: RunStatus.CANCELLED, errorMessage: "enough" },
  });
});

const large = "x".repeat(1024 * 1024);

test.each([
  [
    "cursor",
    (ctx: AgentContext) => ctx.yield(large),
    /cursor is 1048578 bytes of JSON, at most 1048576/,
    "OUTPUT_LIMIT",
  ],
  [
    "output",
    (ctx: AgentContext) => ctx.yield(1, large),
    /output at a checkpoint is 1048578 bytes/,
    "OUTPUT_LIMIT",
  ],
  [
    "cursor and output together",
    (ctx: AgentContext) => ctx.yield(large.slice(600_000), large.slice(448_573)),
    /checkpoint is 1048583 bytes of JSON, cursor and output together; at most 1048576/,
    "OUTPUT_LIMIT",
  ],
  ["cursor", (ctx: AgentContext) => ctx.yield(1n), /cursor cannot be written as JSON/, ""],
  ["cursor", (ctx: AgentContext) => ctx.yield(() => 1), /cursor is a function, of which JSON can say/, ""],
])("a checkpoint whose %s cannot be kept fails the run for good", async (_, stop, complaint, reason) => {
  const plane = await startPlane();
  await startWorker(plane, { agents: [echo(async (_, ctx) => stop(ctx))] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });

  const end = await session.hearEnd();

  expect(end).toMatchObject({ status: RunStatus.FAILED, retryable: false, reason });
  expect(end.errorMessage).toMatch(complaint);
});
