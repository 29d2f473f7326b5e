/** What was recorded on one stream, and comes again on it or on another, is not executed. */
import { expect, test, vi } from "vitest";
import { limits } from "#limits/index";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import type { PlaneSession } from "./kit/fake-plane.js";
import { comeBack, echo, settle, startPlane, startWorker, stopTime } from "./kit/workbench.js";

const SERVER_MS = 1_000_000_000;
const terms = { serverTimeMs: SERVER_MS, session: "s1", incarnation: "start-1" };

/** An assignment as a server sends it that binds it: what of it is said replaces what is right. */
function assignment(runId: string, ordinal: bigint, said: object = {}) {
  const issuedAtMs = BigInt(SERVER_MS);
  const bound = { session: "s1", incarnation: "start-1", issuedAtMs, expiresAtMs: issuedAtMs + 60_000n };
  return { runId, ordinal, ...bound, ...said };
}

async function begin() {
  stopTime();
  const plane = await startPlane();
  const executed: string[] = [];
  const agent = echo(async (_, { runId }) => {
    executed.push(runId);
    return "done";
  });
  await startWorker(plane, { agents: [agent] });
  return { plane, executed, session: await plane.greet(terms) };
}

async function refusal(session: PlaneSession): Promise<string> {
  const { runId, reason } = await session.hear("decline");
  return `${runId}: ${reason}`;
}

test("an assignment that is bound to this session is executed, once, however often it comes", async () => {
  const { session, executed } = await begin();
  const recorded = assignment("r1", 1n);
  for (let i = 0; i < 3; i += 1) session.assign(recorded);
  expect(await session.hearEnd()).toMatchObject({ runId: "r1", status: RunStatus.COMPLETED });
  session.ack({ ackType: "status", refId: "r1" });
  await settle();
  session.assign(recorded);
  await settle();
  expect(executed).toEqual(["r1"]);
  expect(session.log.filter(({ case: kind }) => kind === "decline")).toEqual([]);
});

test.each([
  ["another session", { session: "s0" }, "it is of another session"],
  ["another start of the server", { incarnation: "start-0" }, "it is of another start of the server"],
  ["none that it names", { session: "", incarnation: "" }, "it is of another start of the server"],
  ["a time that is over", { expiresAtMs: BigInt(SERVER_MS) - 1n }, "it came 1 ms after it had expired"],
  [
    "a time to come",
    { issuedAtMs: BigInt(SERVER_MS) + 61_000n, expiresAtMs: BigInt(SERVER_MS) + 121_000n },
    "it is dated 61000 ms ahead of the server",
  ],
])("an assignment of %s is declined with the reason, and the next one is taken", async (_, said, reason) => {
  const { session, executed } = await begin();
  session.assign(assignment("r1", 1n, said));
  expect(await refusal(session)).toBe(`r1: the assignment was refused: ${reason}`);
  session.assign(assignment("r2", 2n));
  expect(await session.hearEnd()).toMatchObject({ runId: "r2" });
  expect(executed).toEqual(["r2"]);
});

test("one that was declined and comes again after later ones is out of order", async () => {
  const { session, executed } = await begin();
  session.assign(assignment("r1", 1n, { agentName: "unknown" }));
  expect(await refusal(session)).toContain('no agent "unknown"');
  session.assign(assignment("r2", 2n));
  await session.hearEnd();
  session.assign(assignment("r1", 1n));
  expect(await refusal(session)).toBe(
    "r1: the assignment was refused: it came out of order: its ordinal is 1, after 2",
  );
  expect(executed).toEqual(["r2"]);
});

test("what was recorded on one stream is not executed on the next", async () => {
  const { plane, session, executed } = await begin();
  session.assign(assignment("r1", 1n, { agentName: "unknown" }));
  await refusal(session);
  plane.cut();
  const second = await comeBack(plane);
  await second.hear("hello");
  second.welcome({ ...terms, session: "s2" });
  second.assign(assignment("r1", 1n));
  expect(await refusal(second)).toBe("r1: the assignment was refused: it is of another session");
  expect(executed).toEqual([]);
});

test("the server's time counts, however wrong this machine's clock is or becomes", async () => {
  const { session, executed } = await begin();
  vi.setSystemTime(Date.now() + 10 * 365 * 86_400_000);
  session.assign(assignment("r1", 1n));
  expect(await session.hearEnd()).toMatchObject({ runId: "r1" });

  await vi.advanceTimersByTimeAsync(1_000);
  session.assign(assignment("r2", 2n, { expiresAtMs: BigInt(SERVER_MS) + 999n }));
  expect(await refusal(session)).toContain("after it had expired");
  expect(executed).toEqual(["r1"]);
  expect(limits.assignmentLife).toBe(60_000);
});

test("a server that binds its assignments to nothing is served as before", async () => {
  const plane = await startPlane();
  await startWorker(plane, { agents: [echo(async () => "done")] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  expect(await session.hearEnd()).toMatchObject({ runId: "r1", status: RunStatus.COMPLETED });
});
