/** What an assignment says of whom it is for, and until when. */
import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { startBench } from "../kit/bench-plane.js";

test("an assignment names the session and incarnation of the welcome, and expires; a public worker's does not", async () => {
  const bench = await startBench();
  const [ours, theirs] = [bench.worker("w1"), bench.worker("w2", { protocol: 0, agents: ["other"] })];
  await bench.settle();
  const welcome = ours.frames.find(({ type }) => type === "welcome");
  if (welcome?.type !== "welcome") throw new Error("no welcome");
  await bench.create();
  await bench.create({ agentName: "other" });
  await bench.settle();
  const { session, incarnation } = welcome;
  expect(incarnation).not.toBe("");
  const { issuedAt, bound, runId } = ours.assigned();
  expect(bound).toEqual({ session, incarnation, expiresAt: issuedAt + limits.assignmentLife });
  const other = theirs.assigned();
  expect(other.bound).toBeUndefined();
  for (const [worker, id] of [
    [ours, runId],
    [theirs, other.runId],
  ] as const)
    await worker.report(id, "COMPLETED", { output: "1" });
  await bench.settle();
});

test("a new session is another one, and another start of the plane another incarnation", async () => {
  const store = memoryStore();
  const first = await startBench(store);
  const welcomeOf = async (bench: typeof first) => {
    const worker = bench.worker("w1");
    await bench.settle();
    const frame = worker.frames.find(({ type }) => type === "welcome");
    return frame?.type === "welcome" ? frame : undefined;
  };
  const [a, b] = [await welcomeOf(first), await welcomeOf(first)];
  expect(a?.incarnation).toBe(b?.incarnation);
  expect(a?.session).not.toBe(b?.session);
  await first.clock.advance(1);
  const second = await startBench(store, { clock: first.clock });
  expect((await welcomeOf(second))?.incarnation).not.toBe(a?.incarnation);
});

test("a worker that refuses its assignment is avoided for a while, and the Step is assigned anew", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  const reason = "the assignment was refused: it came 5 ms after it had expired";
  await worker.link.receive({ type: "decline", runId, reason });
  await bench.settle();
  await bench.pass(60_000, worker);
  const again = worker.assigned();
  expect(again.runId).not.toBe(runId);
  await worker.report(again.runId, "COMPLETED", { output: "1" });
  await bench.settle();
  expect(await bench.show(task.id)).toContain("complete");
});
