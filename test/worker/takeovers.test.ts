import { Code } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import type { LogFields } from "#ports/telemetry";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { Takeovers } from "#worker/protocol/takeovers";
import { type PlaneSession, refusal, soon } from "./kit/fake-plane.js";
import { echo, latch, settle, silent, startPlane, startWorker, stopped, stopTime } from "./kit/workbench.js";

const WHY = 'another process has taken over the worker id "w-1": on host h2, instance 2222. Give each an id.';

function oust(session: PlaneSession): void {
  session.failure = refusal(Code.Unavailable, "SUPERSEDED", WHY);
  session.end();
}

/** A log that keeps what is worth waking somebody for. */
function recording() {
  const said: [string, string, LogFields | undefined][] = [];
  const log = {
    ...silent,
    warn: (message: string, fields?: LogFields) => void said.push(["warn", message, fields]),
    error: (message: string, fields?: LogFields) => void said.push(["error", message, fields]),
  };
  return { said, log };
}

test("who stays away does so for longer each time, at least half of it, and gives up in the end", () => {
  const takeovers = new Takeovers();
  const away = [0, 0.999, 0, 0, 0].map((draw) => takeovers.next(1_000, draw));

  expect(away).toEqual([2_500, 9_995, 10_000, 20_000, 40_000]);
  expect(takeovers.next(1_000, 0)).toBe(undefined);
});

test("who has kept its id for long begins anew", () => {
  const takeovers = new Takeovers();
  for (let i = 0; i < 5; i += 1) takeovers.next(1_000, 0);

  expect(takeovers.next(300_000, 0)).toBe(2_500);
});

test("a worker whose id another process has taken stops its runs, says so, and does not come back at once", async () => {
  stopTime();
  const plane = await startPlane();
  const { opened: ended, open } = latch<unknown>();
  const waiting = echo(async (_, ctx) => open(await stopped(ctx.signal)));
  const { said, log } = recording();
  await startWorker(plane, { id: "w-1", agents: [waiting], log });
  const first = await plane.greet();
  first.assign({ runId: "r1" });
  await first.hear("statusUpdate");

  oust(first);

  const why = await soon("the run is told to stop", ended);
  expect(why).toMatchObject({ why: "lease lost", message: `lease lost: ${WHY}` });
  await settle();
  expect(said).toEqual([
    [
      "error",
      "another process has this worker's id",
      { workerId: "w-1", why: WHY, retryInMs: expect.any(Number) },
    ],
  ]);
  const arrived = plane.accept();
  let back = false;
  void arrived.then(() => {
    back = true;
  });
  await vi.advanceTimersByTimeAsync(2_400);
  await settle();
  expect(back).toBe(false);
  await vi.advanceTimersByTimeAsync(2_600);
  expect(await (await arrived).hear("hello")).toMatchObject({ resume: [] });
});

test("two processes that go on taking the id from one another come to an end", async () => {
  stopTime();
  const plane = await startPlane();
  const { said, log } = recording();
  const { closed } = await startWorker(plane, { id: "w-1", log });
  const failure = closed.catch((error: Error) => error.message);
  for (let takeovers = 1; takeovers <= 5; takeovers += 1) {
    oust(await plane.greet());
    while (said.length < takeovers) await settle();
    await vi.advanceTimersByTimeAsync(said.at(-1)?.[2]?.retryInMs as number);
  }
  oust(await plane.greet());

  expect(await failure).toBe(`this worker gives up, since it does not keep its id: ${WHY}`);
});

test("a drain while it stays away ends the worker", async () => {
  stopTime();
  const plane = await startPlane();
  const { said, log } = recording();
  const worker = await startWorker(plane, { id: "w-1", log });
  oust(await plane.greet());
  while (said.length === 0) await settle();

  await worker.drain();

  expect(worker.activeRuns).toBe(0);
});

test("an end of the stream for any other reason is a lost connection: it comes back soon, with its runs", async () => {
  stopTime();
  const plane = await startPlane();
  const { opened, open } = latch();
  const { said, log } = recording();
  await startWorker(plane, { agents: [echo(() => opened)], log });
  const first = await plane.greet();
  first.assign({ runId: "r1" });
  await first.hear("statusUpdate");
  first.failure = refusal(Code.Unavailable, "LEASE_ENDED", "no heartbeat");
  first.end();
  while (said.length === 0) await settle();
  await vi.advanceTimersByTimeAsync(250);

  const second = await plane.accept();
  expect(await second.hear("hello")).toMatchObject({ resume: [{ runId: "r1" }] });
  second.welcome();
  second.ack({ ackType: "output", refId: "r1", nextSeq: 0n });
  open();
  expect(await second.hearEnd()).toMatchObject({ status: RunStatus.COMPLETED });
});

test("what the plane wants a person to read is in the log", async () => {
  const plane = await startPlane();
  const { said, log } = recording();
  await startWorker(plane, { id: "w-1", log });
  const session = await plane.accept();
  await session.hear("hello");
  session.send({
    case: "welcome",
    value: { heartbeatMs: 5_000n, leaseMs: 30_000n, session: "s1", notice: "another process served" },
  });
  await session.hear("heartbeat");

  expect(said).toEqual([["warn", "the plane says", { workerId: "w-1", notice: "another process served" }]]);
});
