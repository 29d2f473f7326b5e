import { expect, test, vi } from "vitest";
import { JournalKind } from "#wire/gen/taskrun/v1/run_service_pb";
import { keep, working } from "./kit/durable.js";
import { comeBack, settle, stopTime } from "./kit/workbench.js";

test("tools tell what they do, and count", async () => {
  const { session } = await working(async ({ tool }) => tool("add", { a: 1, b: 2 }, ({ a, b }) => a + b));
  session.assign({ runId: "r1" });

  expect(await session.hear("usage")).toMatchObject({ runId: "r1", seq: 0n, model: "", toolCalls: 1n });
  const asked = await session.hear("event");
  expect(asked.metadata).toEqual({ tool: "add", args_digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const answered = await session.hear("event");
  expect(answered.metadata).toMatchObject({ tool: "add", outcome: "ok", duration_ms: expect.any(String) });
  expect(await keep(session)).toMatchObject({ kind: JournalKind.TOOL, name: "add", resultJson: "3" });
  expect(await session.hearEnd()).toMatchObject({ outputJson: "3" });
});

test("usage is sent before the end, again after a lost connection, and until it is acknowledged", async () => {
  stopTime();
  const { plane, session: first } = await working(async ({ usage }) => {
    usage({ model: "m", inputTokens: 10, outputTokens: 2, cachedTokens: 1, usdMicros: 7 });
    usage({ model: "n", toolCalls: 3 });
  });
  first.assign({ runId: "r1", fence: 3 });
  expect(await first.hear("usage")).toMatchObject({
    ...{ runId: "r1", fence: 3, seq: 0n, model: "m", inputTokens: 10n, outputTokens: 2n },
    ...{ cachedTokens: 1n, toolCalls: 0n, usdMicros: 7n },
  });
  const second = await first.hear("usage");
  expect(second).toMatchObject({ seq: 1n, model: "n", toolCalls: 3n });
  expect(second.usdMicros).toBeUndefined();
  await first.hearEnd();
  first.ack({ ackType: "usage", refId: "r1", nextSeq: 1n });
  first.ack({ ackType: "status", refId: "r1" });
  await settle();
  plane.cut();

  const next = await comeBack(plane);
  expect((await next.hear("hello")).resume).toEqual([]);
  next.welcome();
  expect(await next.hear("usage")).toMatchObject({ seq: 1n, model: "n" });
  next.ack({ ackType: "usage", refId: "r1", nextSeq: 2n });
  await settle();
  plane.cut();
  await settle();
  await vi.advanceTimersByTimeAsync(500); // it is the second time
  const last = await comeBack(plane);
  await last.hear("hello");
  last.welcome();
  await last.hear("heartbeat");
  await settle();
  expect(last.log.some((said) => said.case === "usage")).toBe(false);
});

test("a report that the server lacks is sent again, with all behind it, and once", async () => {
  const { session } = await working(async ({ signal, usage }) => {
    for (const model of ["a", "b", "c"]) usage({ model, inputTokens: 1 });
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  });
  session.assign({ runId: "r1" });
  for (const seq of [0n, 1n, 2n]) expect(await session.hear("usage")).toMatchObject({ seq });
  session.ack({ ackType: "usage", refId: "r1", nextSeq: 1n });
  // The second was lost, and the third is answered with what there is.
  session.ack({ ackType: "usage", refId: "r1", nextSeq: 1n });
  session.ack({ ackType: "usage", refId: "r1", nextSeq: 1n });
  for (const seq of [1n, 2n]) expect(await session.hear("usage")).toMatchObject({ seq });
  session.ack({ ackType: "usage", refId: "r1", nextSeq: 1n });
  session.ack({ ackType: "usage", refId: "r1", nextSeq: 3n });
  session.send({ case: "cancelRun", value: { runId: "r1", reason: "enough" } });
  await session.hearEnd();
  const seqs = session.log.flatMap((said) => (said.case === "usage" ? [said.value.seq] : []));
  expect(seqs).toEqual([0n, 1n, 2n, 1n, 2n]);
});

test("usage of a run that was cancelled counts too", async () => {
  const { session } = await working(async ({ signal, usage }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    usage({ model: "m", inputTokens: 10 });
  });
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  session.send({ case: "cancelRun", value: { runId: "r1", reason: "enough" } });

  expect(await session.hear("usage")).toMatchObject({ model: "m", inputTokens: 10n });
});
