import { expect, test, vi } from "vitest";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import type { AgentContext } from "#worker/agent/context";
import { Run } from "#worker/run/run";
import { Window } from "#worker/run/window";
import { machineTime } from "#worker/timers";
import {
  assignment,
  comeBack,
  echo,
  fetchFrom,
  latch,
  settle,
  silent,
  startPlane,
  startWorker,
  stopped,
  stopTime,
} from "./kit/workbench.js";

/** An agent whose context the test gets hold of. */
function puppet() {
  const { opened: context, open } = latch<AgentContext>();
  const { opened: result, open: finish } = latch<unknown>();
  const run = echo((_, ctx) => {
    open(ctx);
    return result;
  });
  return { run, context, finish };
}

test("after a lost connection a run goes on, and sends again what is not durable", async () => {
  stopTime();
  const plane = await startPlane();
  const { run, context, finish } = puppet();
  await startWorker(plane, { agents: [run] });
  const first = await plane.greet();
  first.assign({ runId: "r1", fence: 3 });
  const ctx = await context;
  for (const text of ["a", "b", "c"]) await ctx.output(text);
  await first.hear("outputChunk");
  first.ack({ ackType: "output", refId: "r1", nextSeq: 1n });
  await settle();
  plane.cut();
  await settle();
  await ctx.output("d"); // said while nobody listens

  const second = await comeBack(plane);
  expect(await second.hear("hello")).toMatchObject({ resume: [{ runId: "r1", fence: 3, nextSeq: 1n }] });
  second.welcome();
  expect(await second.hear("heartbeat")).toMatchObject({ heldRunIds: ["r1"], beat: 1n, lastOrdinal: 0n });
  finish("done");
  await settle();
  expect(second.log.at(-1)?.case).toBe("heartbeat"); // says nothing about the run until it is told from where

  second.ack({ ackType: "output", refId: "r1", nextSeq: 2n });
  expect(await second.next()).toMatchObject({ value: { seq: 2n, content: "c" } });
  expect(await second.next()).toMatchObject({ value: { seq: 3n, content: "d" } });
  expect(await second.next()).toMatchObject({ value: { status: RunStatus.COMPLETED, outputCount: 4n } });
});

test("an end that was not acknowledged is told again after a reconnect", async () => {
  stopTime();
  const plane = await startPlane();
  await startWorker(plane);
  const first = await plane.greet();
  first.assign({ runId: "r1", inputJson: "1" });
  await first.hearEnd();
  plane.cut();

  const second = await comeBack(plane);
  expect(await second.hear("hello")).toMatchObject({ resume: [{ runId: "r1", nextSeq: 0n }] });
  second.welcome();
  second.ack({ ackType: "output", refId: "r1", nextSeq: 0n });

  expect(await second.next()).toMatchObject({ value: { status: RunStatus.COMPLETED, outputJson: "1" } });
});

test("an end that the plane dropped for want of output is told again after that output", async () => {
  const plane = await startPlane();
  await startWorker(plane, { agents: [echo(async (_, ctx) => ctx.output("a"))] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  await session.hear("outputChunk");
  await session.hear("statusUpdate");

  session.ack({ ackType: "output", refId: "r1", nextSeq: 0n });

  expect(await session.next()).toMatchObject({ case: "outputChunk", value: { seq: 0n } });
  expect(await session.next()).toMatchObject({ value: { status: RunStatus.COMPLETED } });
});

test("an end to which nothing comes back is told again with the heartbeats", async () => {
  const plane = await startPlane();
  await startWorker(plane);
  const session = await plane.greet({ heartbeatMs: 5 });
  session.assign({ runId: "r1" });

  expect(await session.hear("statusUpdate")).toMatchObject({ status: RunStatus.COMPLETED });
  expect(await session.hear("statusUpdate")).toMatchObject({ status: RunStatus.COMPLETED });
});

test("without acknowledged heartbeats the worker gives its runs up before the lease ends", async () => {
  stopTime();
  const plane = await startPlane();
  const { run, context } = puppet();
  await startWorker(plane, { agents: [run] });
  const first = await plane.greet({ heartbeatMs: 5_000, leaseMs: 30_000 });
  first.assign({ runId: "r1" });
  const { signal, output } = await context;
  await first.hear("heartbeat");
  await settle(); // the acknowledgement of the first heartbeat, sent at 0 ms
  first.beating = false;

  await vi.advanceTimersByTimeAsync(24_900);
  await settle();
  expect(signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(200);

  expect(signal.reason).toMatchObject({ name: "RunStopped", why: "lease lost" });
  await expect(output("too late")).rejects.toThrow("lease lost");
  const second = await comeBack(plane);
  expect(await second.hear("hello")).toMatchObject({ resume: [] });
  expect(first.log.filter((said) => said.case === "outputChunk")).toEqual([]);
});

test("cut off for longer than the lease, the worker gives its runs up alone", async () => {
  stopTime();
  const plane = await startPlane();
  const { run, context } = puppet();
  await startWorker(plane, { agents: [run] });
  const session = await plane.greet({ leaseMs: 3_000 });
  session.assign({ runId: "r1" });
  const { signal } = await context;
  await plane.stop();

  await vi.advanceTimersByTimeAsync(2_400);
  expect(signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(signal.aborted).toBe(true);
});

test("a cancelled run is told why, reports CANCELLED and is held until that is recorded", async () => {
  const plane = await startPlane();
  const reasons: unknown[] = [];
  const obedient = echo(async (_, { signal }) => {
    reasons.push(await stopped(signal));
    return "ignored";
  });
  await startWorker(plane, { agents: [obedient] });
  const session = await plane.greet({ heartbeatMs: 5 });
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  session.send({ case: "cancelRun", value: { runId: "unknown", reason: "?" } });
  session.send({ case: "cancelRun", value: { runId: "r1", reason: "changed my mind" } });

  const end = await session.hear("statusUpdate");
  expect(end).toMatchObject({ status: RunStatus.CANCELLED, errorMessage: "changed my mind", outputJson: "" });
  expect(reasons).toMatchObject([{ why: "cancelled", message: "cancelled: changed my mind" }]);
  expect(await session.hear("heartbeat")).toMatchObject({ heldRunIds: ["r1"] });
  session.send({ case: "cancelRun", value: { runId: "r1", reason: "I know nothing of it" } });
  let beat = await session.hear("heartbeat");
  while (beat.heldRunIds.length > 0) beat = await session.hear("heartbeat");
});

test.each([
  ["while its agent works", false],
  ["after its agent has ended", true],
])("a run cancelled in the plane's first word about it, %s, still tells its end", async (_, endsAlone) => {
  stopTime();
  const plane = await startPlane();
  const { opened: ending, open: end } = latch();
  const agentOf = echo(async (_, { output, signal }) => {
    await output("not durable");
    await Promise.race([stopped(signal), ending]);
  });
  await startWorker(plane, { agents: [agentOf] });
  const first = await plane.greet();
  first.assign({ runId: "r1" });
  await first.hear("outputChunk");
  plane.cut();
  await settle();
  if (endsAlone) end();
  const second = await comeBack(plane);
  expect(await second.hear("hello")).toMatchObject({ resume: [{ runId: "r1" }] });
  second.welcome();
  await second.hear("heartbeat");

  second.send({ case: "cancelRun", value: { runId: "r1", reason: "the run has ended" } });

  expect(await second.next()).toMatchObject({
    case: "statusUpdate",
    value: { status: RunStatus.CANCELLED, errorMessage: "the run has ended" },
  });
  second.ack({ ackType: "status", refId: "r1" });
  await settle();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await second.hear("heartbeat")).toMatchObject({ heldRunIds: [] });
});

test("an end told on a lost stream is told again when the plane answers with a cancel", async () => {
  stopTime();
  const plane = await startPlane();
  await startWorker(plane);
  const first = await plane.greet();
  first.assign({ runId: "r1" });
  await first.hearEnd();
  plane.cut();
  const second = await comeBack(plane);
  await second.hear("hello");
  second.welcome();

  second.send({ case: "cancelRun", value: { runId: "r1", reason: "the run has ended" } });

  expect(await second.next()).toMatchObject({ value: { runId: "r1", status: RunStatus.CANCELLED } });
});

test("a task's time that is up stops its agent, a little after the plane would", async () => {
  stopTime();
  const plane = await startPlane();
  await startWorker(plane, {
    agents: [echo(async (_, { signal }) => Promise.reject(await stopped(signal)))],
  });
  const session = await plane.greet({ serverTimeMs: 1_000_000 });
  session.assign({ runId: "r1", deadlineMs: 1_004_000n });
  await session.hear("statusUpdate");

  await vi.advanceTimersByTimeAsync(5_100);

  expect(await session.hear("statusUpdate")).toMatchObject({
    status: RunStatus.FAILED,
    errorMessage: "deadline: the task's time is up",
    retryable: false,
  });
});

test("output waits for credit: 256 KiB of a run may be under way, or what the plane says", async () => {
  const plane = await startPlane();
  let written = 0;
  const talkative = echo(async (_, { output }) => {
    for (; written < 10; written += 1) await output("x".repeat(64 * 1024));
  });
  await startWorker(plane, { agents: [talkative] });
  const session = await plane.greet();
  const chunks = (): number => session.log.filter((said) => said.case === "outputChunk").length;
  session.assign({ runId: "r1" });
  for (let i = 0; i < 4; i += 1) await session.hear("outputChunk");
  await settle();
  expect([written, chunks()]).toEqual([4, 4]);

  session.ack({ ackType: "output", refId: "r1", nextSeq: 1n });
  await session.hear("outputChunk");
  await settle();
  expect(chunks()).toBe(5);

  session.ack({ ackType: "output", refId: "r1", nextSeq: 5n, creditBytes: 64n * 1024n });
  await session.hear("outputChunk");
  await settle();
  expect(chunks()).toBe(6);

  for (let next = 6n; next <= 10n; next += 1n) {
    session.ack({ ackType: "output", refId: "r1", nextSeq: next });
    if (next < 10n) await session.hear("outputChunk");
  }
  expect(await session.hear("statusUpdate")).toMatchObject({ status: RunStatus.COMPLETED, outputCount: 10n });
});

test("a text over 64 KiB goes in pieces", async () => {
  const plane = await startPlane();
  const text = "é".repeat(40 * 1024);
  await startWorker(plane, { agents: [echo(async (_, { output }) => output(text))] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });

  const [one, two] = [await session.hear("outputChunk"), await session.hear("outputChunk")];

  expect(one.content + two.content).toBe(text);
  expect(Buffer.byteLength(one.content)).toBeLessThanOrEqual(64 * 1024);
});

test("a worker whose heartbeats were acknowledged comes back soon, however often the plane restarts", async () => {
  stopTime();
  const plane = await startPlane();
  await startWorker(plane);
  for (let restart = 0; restart < 6; restart += 1) {
    if (restart > 0) await vi.advanceTimersByTimeAsync(250);
    const session = await plane.greet({ heartbeatMs: 500, leaseMs: 3_000 });
    for (const beat of [1n, 2n]) {
      await session.hear("heartbeat");
      session.ack({ ackType: "heartbeat", beat });
      await settle();
      await vi.advanceTimersByTimeAsync(500);
    }
    plane.cut();
    await settle();
  }
});

test("an acknowledgement that crosses the repeat of an end counts for it", async () => {
  const run = new Run(assignment(), {
    log: silent,
    time: machineTime,
    window: new Window(1_000),
    readResult: fetchFrom({}) as never,
    readInput: () => Promise.reject(new Error("nothing is read")),
    readJournal: () => Promise.reject(new Error("nothing is read")),
    unknown: () => undefined,
    used: () => {},
    ready: () => {},
  });
  await run.start({ ...echo(async () => 1), backends: [] });
  while (run.next()) {}
  expect(run.endTold).toBe(true);
  run.beat();
  run.beat();

  expect(run.endTold).toBe(true);
  expect(run.next()).toMatchObject({ payload: { case: "statusUpdate" } });
});
