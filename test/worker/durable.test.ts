import { expect, onTestFinished, test, vi } from "vitest";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { JournalKind, JournalState, StepEffect } from "#wire/gen/taskrun/v1/run_service_pb";
import { AgentError, type RunStopped } from "#worker/agent/error";
import { holding, keep, type RecordInit, record, working } from "./kit/durable.js";
import { comeBack, echo, latch, settle, startPlane, startWorker, stopTime } from "./kit/workbench.js";

test("an agent without durable steps reads no journal, and says nothing of one", async () => {
  const { plane, session } = await working(async () => 1);
  const asked = holding(plane, []);
  session.assign({ runId: "r1" });

  await session.hearEnd();

  expect(asked).toEqual([]);
  expect(session.log.map((said) => said.case).filter((name) => name !== "heartbeat")).toEqual([
    "hello",
    "statusUpdate",
  ]);
});

test("a result is not the agent's before it is durable", async () => {
  const seen: unknown[] = [];
  const { session } = await working(async (ctx) => {
    seen.push(await ctx.step("price", () => ({ cents: 5 }), { input: { b: 1, a: 2 } }));
    return seen[0];
  });
  session.assign({ runId: "r1", fence: 4 });

  const said = await session.hear("journal");
  expect(said).toMatchObject({ runId: "r1", fence: 4, seq: 0n, entry: 1, state: JournalState.COMPLETED });
  expect(said).toMatchObject({ kind: JournalKind.STEP, name: "price", occurrence: 1, concurrent: false });
  expect(said).toMatchObject({ effect: StepEffect.IDEMPOTENT, resultJson: '{"cents":5}' });
  // printf '{"a":2,"b":1}' | sha256sum
  expect(said.inputDigest).toBe("d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772");
  await settle();
  expect(seen).toEqual([]);

  session.ack({ ackType: "journal", refId: "r1", nextSeq: 1n });
  expect(await session.hearEnd()).toMatchObject({ outputJson: '{"cents":5}' });
});

test("what earlier runs have journaled is read page by page, before the first durable step, and not done again", async () => {
  const done: string[] = [];
  const { plane, session } = await working(async ({ step }) => {
    const results = [];
    for (const name of ["a", "b", "c", "d"]) {
      results.push(await step(name, () => void done.push(name)));
    }
    return results;
  });
  const records = ["a", "b", "c"].map((name, i) =>
    record({ seq: BigInt(i), entry: i + 1, name, resultJson: `${i}` }),
  );
  const asked = holding(plane, records);
  session.assign({ runId: "r1", journalRecords: 3n });

  expect(await keep(session)).toMatchObject({ seq: 3n, entry: 4, name: "d" });
  expect(await session.hearEnd()).toMatchObject({ outputJson: "[0,1,2,null]" });
  expect(done).toEqual(["d"]);
  expect(asked).toEqual([0, 2]);
});

test("records that are not durable when the connection is lost are sent again, from the first of them", async () => {
  stopTime();
  const { plane, session: first } = await working(({ step }) =>
    Promise.all([step("a", () => 1), step("b", () => 2)]),
  );
  first.assign({ runId: "r1" });
  await keep(first);
  await first.hear("journal");
  await settle();
  plane.cut();

  const second = await comeBack(plane);
  await second.hear("hello");
  second.welcome();
  second.ack({ ackType: "output", refId: "r1", nextSeq: 0n });

  expect(await keep(second)).toMatchObject({ seq: 1n, entry: 2, name: "b" });
  expect(await second.hearEnd()).toMatchObject({ outputJson: "[1,2]" });
});

test("a record that the plane lacks is sent again", async () => {
  const { session } = await working(({ step }) => step("a", () => 1));
  session.assign({ runId: "r1" });
  await session.hear("journal");

  session.ack({ ackType: "journal", refId: "r1", nextSeq: 0n });

  expect(await session.hear("journal")).toMatchObject({ seq: 0n });
});

test("a record follows the output that was written before it", async () => {
  const { session } = await working(async ({ step, output }) => {
    await step("a", () => output("one"));
    await output("two");
  });
  session.assign({ runId: "r1" });

  await session.hear("statusUpdate");
  expect(await session.next()).toMatchObject({ case: "outputChunk", value: { content: "one" } });
  expect(await session.next()).toMatchObject({ case: "journal" });
});

test("an agent that only waits ends its run, and frees its place", async () => {
  const reasons: unknown[] = [];
  const { session } = await working(async ({ signal, sleep, waitForSignal }) => {
    signal.addEventListener("abort", () => reasons.push((signal.reason as RunStopped).why));
    await Promise.all([sleep(1_500), waitForSignal("go", { timeoutMs: 9, default: false })]);
  });
  session.assign({ runId: "r1", fence: 2 });

  expect(await keep(session)).toMatchObject({
    kind: JournalKind.SLEEP,
    state: JournalState.BEGUN,
    wait: { durationMs: 1_500n },
  });
  expect(await keep(session)).toMatchObject({
    kind: JournalKind.SIGNAL,
    name: "go",
    concurrent: true,
    wait: { durationMs: 9n, defaultJson: "false" },
  });
  expect(await session.hear("suspend")).toMatchObject({
    runId: "r1",
    fence: 2,
    entries: [1, 2],
    journalCount: 2n,
  });
  expect(reasons).toEqual(["suspended"]);
});

test("a worker with one place takes another run while an agent waits", async () => {
  const plane = await startPlane();
  const waiting = echo(async (input, { sleep }) => (input === 1 ? sleep(5) : "done"));
  await startWorker(plane, { agents: [waiting], maxRuns: 1 });
  const session = await plane.greet();
  session.assign({ runId: "r1", inputJson: "1" });
  await keep(session);
  await session.hear("suspend");

  session.assign({ runId: "r2", inputJson: "2" });

  expect(await session.hearEnd()).toMatchObject({ runId: "r2", outputJson: '"done"' });
});

test("a suspension is told again with the heartbeats, and after records that the plane lacks, until it is recorded", async () => {
  const { session } = await working(({ sleep }) => sleep(5), { heartbeatMs: 5 });
  session.assign({ runId: "r1" });
  await keep(session);
  await session.hear("suspend");
  await session.hear("suspend");

  session.ack({ ackType: "status", refId: "r1" });
  let beat = await session.hear("heartbeat");
  while (beat.heldRunIds.length > 0) beat = await session.hear("heartbeat");
});

test("a run does not end to wait while a step is being done, or output has not been written", async () => {
  const { opened, open } = latch();
  const { session } = await working(({ sleep, step }) => Promise.all([sleep(5), step("slow", () => opened)]));
  session.assign({ runId: "r1" });
  await keep(session);
  await settle();
  expect(session.log.some((said) => said.case === "suspend")).toBe(false);

  open();
  await keep(session);
  expect(await session.hear("suspend")).toMatchObject({ entries: [1], journalCount: 2n });
});

test("a child is known by what the plane says that it is", async () => {
  const { session } = await working(async (ctx) => {
    const child = await ctx.spawn("search", { topic: "cats" }, { maxAttempts: 3, labels: { a: "b" } });
    await ctx.output(child.taskId);
    return child.result();
  });
  session.assign({ runId: "r1" });

  expect(await keep(session, "t-17")).toMatchObject({
    kind: JournalKind.CHILD,
    name: "search",
    wait: {
      child: { agentName: "search", inputJson: '{"topic":"cats"}', maxAttempts: 3, labels: { a: "b" } },
    },
  });
  expect(await session.hear("outputChunk")).toMatchObject({ content: "t-17" });
  expect(await session.hear("suspend")).toMatchObject({ entries: [1] });
});

test("a child whose name was lost with a connection is read from the journal", async () => {
  const { plane, session } = await working(async (ctx) => (await ctx.spawn("search", 1)).taskId);
  holding(plane, [
    record({ state: JournalState.BEGUN, kind: JournalKind.CHILD, name: "search", childTaskId: "t-18" }),
  ]);
  session.assign({ runId: "r1" });

  await keep(session);

  expect(await session.hearEnd()).toMatchObject({ outputJson: '"t-18"' });
});

test.each<[string, RecordInit, RegExp]>([
  ["name", { name: "b" }, /had step "b" next \(entry 1\), and now it is step "a".*the name has changed/],
  ["input", { inputDigest: "ab".repeat(32) }, /step "a" with input abababab….*the input has changed/],
])("an agent that does not fit its journal, by another %s, fails for good", async (_, changes, complaint) => {
  const done: string[] = [];
  const { plane, session } = await working((ctx) =>
    ctx.step("a", () => done.push("a")).catch(() => "caught"),
  );
  holding(plane, [record(changes)]);
  session.assign({ runId: "r1", journalRecords: 1n });

  const end = await session.hearEnd();

  expect(end).toMatchObject({ status: RunStatus.FAILED, reason: "JOURNAL_MISMATCH", retryable: false });
  expect(end.errorMessage).toMatch(complaint);
  expect(done).toEqual([]);
});

test("an agent that returns before it has asked for what it had journaled fails for good", async () => {
  const { plane, session } = await working(async () => "nothing");
  holding(plane, [record({})]);
  session.assign({ runId: "r1", journalRecords: 1n });

  const end = await session.hearEnd();

  expect(end).toMatchObject({ status: RunStatus.FAILED, reason: "JOURNAL_MISMATCH", retryable: false });
  expect(end.errorMessage).toMatch(
    /had step "a" next \(entry 1\), and now the agent has returned without it/,
  );
});

test("an agent with durable steps cannot stop at a checkpoint", async () => {
  const { session } = await working(async (ctx) => {
    await ctx.step("a", () => 1);
    return ctx.yield(1);
  });
  session.assign({ runId: "r1" });
  await keep(session);

  expect(await session.hearEnd()).toMatchObject({
    status: RunStatus.FAILED,
    retryable: false,
    errorMessage: expect.stringMatching(/stopped at a checkpoint although it has durable steps/),
  });
});

test("a step in doubt ends the run, whatever the agent makes of it", async () => {
  const { plane, session } = await working((ctx) =>
    ctx.step("charge", () => 1, { effect: "once" }).catch(() => "caught"),
  );
  holding(plane, [record({ state: JournalState.BEGUN, name: "charge", effect: StepEffect.ONCE })]);
  session.assign({ runId: "r1", journalRecords: 1n });

  const end = await session.hearEnd();

  expect(end).toMatchObject({ status: RunStatus.FAILED, reason: "IN_DOUBT", retryable: false });
  expect(end.errorMessage).toMatch(/step "charge" \(entry 1 of the journal\) was begun by an earlier run/);
});

test("a journal that the server refuses fails the run; one that cannot be read yet is tried again", async () => {
  const { plane, session } = await working((ctx) => ctx.step("a", () => 1));
  let reads = 0;
  plane.readJournal = async () => {
    reads += 1;
    if (reads === 1) throw new Error("the disk is slow");
    return [record({ resultJson: "7" })];
  };
  session.assign({ runId: "r1", journalRecords: 1n });

  expect(await session.hearEnd()).toMatchObject({ outputJson: "7" });
});

test("a server of before is not asked to keep anything: durable steps fail, and usage is dropped", async () => {
  const { session } = await working(
    async (ctx) => {
      ctx.usage({ model: "m", inputTokens: 1 });
      return ctx.step("a", () => 1);
    },
    { protocol: 0 },
  );
  session.assign({ runId: "r1" });

  expect(await session.hearEnd()).toMatchObject({
    status: RunStatus.FAILED,
    retryable: false,
    errorMessage: expect.stringMatching(/ctx.step: the server is older than durable steps/),
  });
  expect(session.log.some((said) => said.case === "usage")).toBe(false);
});

test("a cancelled run settles its durable calls, and does nothing more", async () => {
  const { opened, open } = latch<unknown>();
  const done: string[] = [];
  const { session } = await working(async (ctx) => {
    const charged = ctx.step("charge", () => done.push("charge"), { effect: "once" });
    open(await charged.catch((error: unknown) => error));
    return ctx.step("later", () => done.push("later"));
  });
  session.assign({ runId: "r1" });
  await session.hear("journal");

  session.send({ case: "cancelRun", value: { runId: "r1", reason: "enough" } });
  session.ack({ ackType: "journal", refId: "r1", nextSeq: 1n });

  expect(await opened).toMatchObject({ name: "RunStopped", why: "cancelled" });
  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.CANCELLED });
  expect(done).toEqual([]);
});

test("a step that is not done when its agent returns is told so", async () => {
  const { opened, open } = latch<unknown>();
  const { session } = await working(async ({ step }) => {
    void step("never", () => new Promise(() => {})).catch(open);
    return 1;
  });
  session.assign({ runId: "r1" });

  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.COMPLETED });
  expect(await opened).toMatchObject({ name: "RunStopped", why: "ended" });
});

test("a step that fails for want of a model, and says so, may be tried again", async () => {
  const { session } = await working(({ step }) =>
    step("ask", () => Promise.reject(new AgentError("overloaded", { retryable: true, retryAfterMs: 9 }))),
  );
  session.assign({ runId: "r1" });

  expect(await session.hearEnd()).toMatchObject({
    status: RunStatus.FAILED,
    retryable: true,
    retryAfterMs: 9n,
    errorMessage: "overloaded",
  });
});

test("what must be done once is not done before it is durable that it begins", async () => {
  const done: string[] = [];
  const { session } = await working(({ step }) =>
    step("charge", () => void done.push("charge"), { effect: "once" }),
  );
  session.assign({ runId: "r1" });
  expect(await session.hear("journal")).toMatchObject({ state: JournalState.BEGUN });
  await settle();
  expect(done).toEqual([]);

  session.ack({ ackType: "journal", refId: "r1", nextSeq: 1n });
  expect(await keep(session)).toMatchObject({ state: JournalState.COMPLETED });
  expect(done).toEqual(["charge"]);
});

test("what must be done once is not done by a process that was stopped for longer than its lease", async () => {
  const done: string[] = [];
  const { session } = await working(({ step }) =>
    step("charge", () => void done.push("charge"), { effect: "once" }),
  );
  session.assign({ runId: "r1" });
  expect(await session.hear("journal")).toMatchObject({ state: JournalState.BEGUN });

  const stopped = performance.now() + 3_600_000;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => stopped);
  onTestFinished(() => clock.mockRestore());
  session.ack({ ackType: "journal", refId: "r1", nextSeq: 1n });
  await settle();

  expect(done).toEqual([]);
});
