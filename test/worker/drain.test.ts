import { expect, test } from "vitest";
import { RunStatus, WorkerStatus } from "#wire/gen/taskrun/v1/common_pb";
import { servedAgents } from "#worker/agent/served-agent";
import { HeldRuns } from "#worker/run/held";
import { machineTime } from "#worker/timers";
import { assignment, echo, latch, silent, startPlane, startWorker, stopped } from "./kit/workbench.js";

test("an idle worker that is drained says so and leaves", async () => {
  const plane = await startPlane();
  const worker = await startWorker(plane);
  const session = await plane.greet();
  await session.hear("heartbeat");

  const drained = worker.drain();

  expect(await session.hear("heartbeat")).toMatchObject({ status: WorkerStatus.DRAINING, heldRunIds: [] });
  await drained;
  await worker.closed;
});

test("a draining worker declines, finishes what it holds, and leaves when that is recorded", async () => {
  const plane = await startPlane();
  const hold = latch<string>();
  const worker = await startWorker(plane, { agents: [echo(() => hold.opened)] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  session.send({ case: "drain", value: { reason: "maintenance", deadlineMs: 0n } });
  expect(await session.hear("heartbeat")).toMatchObject({ heldRunIds: ["r1"] });
  session.assign({ runId: "r2" });
  expect(await session.hear("decline")).toMatchObject({
    runId: "r2",
    reason: "the worker is draining: maintenance",
  });
  hold.open("done");
  expect(await session.hear("statusUpdate")).toMatchObject({
    status: RunStatus.COMPLETED,
    outputJson: '"done"',
  });
  session.ack({ ackType: "status", refId: "r1" });

  await worker.closed;
});

test("what is not finished in time is handed back: declined, and gone from the last heartbeat", async () => {
  const plane = await startPlane();
  const reasons: unknown[] = [];
  const endless = echo(async (_, { signal }) => reasons.push(await stopped(signal)));
  const leave = new AbortController();
  const worker = await startWorker(plane, { agents: [endless], drainMs: 20, signal: leave.signal });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  leave.abort();

  expect(await session.hear("decline")).toMatchObject({ runId: "r1", reason: "the worker is leaving" });
  expect(await session.hear("heartbeat")).toMatchObject({ heldRunIds: [], lastOrdinal: 1n });
  await worker.closed;
  expect(reasons).toMatchObject([{ why: "shutdown" }]);
});

test("an agent that ends because its worker leaves has not failed, so the log does not say so", async () => {
  const plane = await startPlane();
  const errors: string[] = [];
  const { opened, open } = latch();
  const obedient = echo(async (_, { signal }) => {
    const reason = await stopped(signal);
    setImmediate(open);
    throw reason;
  });
  const log = { ...silent, error: (text: string) => void errors.push(text) };
  const worker = await startWorker(plane, { agents: [obedient], drainMs: 20, log });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  await worker.drain();
  await opened;
  expect(errors).toEqual([]);
});

test("a run that has begun is handed back after its start, however early: it may have done something", () => {
  const held = new HeldRuns({
    agents: servedAgents([echo((_, { signal }) => stopped(signal))]),
    maxRuns: 2,
    windowBytes: 1_024,
    log: silent,
    time: machineTime,
    readResult: () => Promise.reject(new Error("no results")),
    readInput: () => Promise.reject(new Error("no inputs")),
    readJournal: () => Promise.reject(new Error("no journals")),
    serverProtocol: () => 3,
    poke: () => {},
    emptied: () => {},
  });
  held.take(assignment({ runId: "r1", agentName: "echo" }), undefined);

  held.handBack("the worker is leaving");

  expect([held.nextDecline(), held.nextDecline(), held.nextDecline()]).toMatchObject([
    { payload: { case: "statusUpdate", value: { runId: "r1", status: RunStatus.RUNNING } } },
    { payload: { case: "decline", value: { runId: "r1" } } },
    undefined,
  ]);
});

test("a worker that is closed stops its runs and says nothing more", async () => {
  const plane = await startPlane();
  const { opened, open } = latch<unknown>();
  const worker = await startWorker(plane, {
    agents: [echo(async (_, { signal }) => open(await stopped(signal)))],
  });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  worker.close();

  await worker.closed;
  expect(await opened).toMatchObject({ why: "shutdown" });
  expect(session.log.some((said) => said.case === "decline")).toBe(false);
});

test("a worker whose plane is not there can be drained all the same", async () => {
  const plane = await startPlane();
  const worker = await startWorker(plane, { addr: "127.0.0.1:1" });

  await worker.drain();
});
