import { expect, test } from "vitest";
import type { RunId } from "#domain/id";
import { isOver, type RunStatus, runStatuses } from "#domain/task/run";
import { isTerminal } from "#domain/task/task";
import { type BenchPlane, startBench } from "../kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { stores } from "../kit/store-double.js";

/** A Run is made and assigned in one commit, so no report ever finds one PENDING. */
const recorded = runStatuses.filter((status) => status !== "PENDING");
const speakers = [
  "its session",
  "another session",
  "a stale fence",
  "a later fence",
  "an unknown run",
] as const;
type Speaker = (typeof speakers)[number];

interface Outcome {
  readonly status: RunStatus;
  readonly heard: readonly string[];
  readonly counted: string;
}

/** What the rules say: the whole of the matrix in twenty lines. */
function expected(was: RunStatus, reported: RunStatus, speaker: Speaker): Outcome {
  const lastWord = isOver(reported);
  const ackIfLast = lastWord ? ["ack.status"] : [];
  const refused = (cause: string): Outcome => ({
    status: was,
    heard: ["cancel", ...ackIfLast],
    counted: cause,
  });

  if (speaker === "an unknown run") return refused("unknown");
  if (speaker === "a stale fence" || speaker === "a later fence") return refused("stale");
  if (isOver(was)) {
    if (was === reported) return { status: was, heard: ["ack.status"], counted: "repeated" };
    return refused("ended");
  }
  if (speaker === "another session") return refused("foreign");
  if (reported === "PENDING" || reported === "ASSIGNED") return { status: was, heard: [], counted: "stale" };
  return { status: reported, heard: ackIfLast, counted: "" };
}

async function bringTo(status: RunStatus, bench: BenchPlane, worker: BenchWorker, run: AssignFrame) {
  if (status === "CANCELLED") await bench.cancel(run.taskId);
  else if (status !== "ASSIGNED") await worker.report(run.runId, status);
  await bench.settle();
  worker.frames.length = 0;
}

function causeCounted(bench: BenchPlane): string {
  const causes = ["unknown", "foreign", "stale", "ended", "repeated", "gap"] as const;
  const counted = causes.filter((cause) => bench.counted("taskrun_reports_refused_total", { cause }) > 0);
  expect(bench.counted("taskrun_reports_refused_total")).toBe(counted.length);
  return counted.join(" ");
}

for (const { name, make } of stores) {
  // The rules are decided before any store is asked; sqlite shows that it keeps what was decided.
  const told = name === "memory" ? speakers : (["its session"] as const);
  for (const was of recorded) {
    test(`whatever is reported about a run that is ${was}, by whomever, follows the rules (${name})`, async () => {
      for (const reported of runStatuses) {
        for (const speaker of told) {
          const { store } = make();
          const bench = await startBench(store);
          const worker = bench.worker("w1", { capacity: 1 });
          await bench.settle();
          await bench.create();
          const run = worker.assigned();
          const other = bench.worker("w2");
          await bringTo(was, bench, worker, run);
          await bench.settle();
          other.frames.length = 0;
          const logBefore = (await bench.log(run.taskId)).length;

          const mouth = speaker === "another session" ? other : worker;
          const runId = speaker === "an unknown run" ? ("0190-unknown" as RunId) : run.runId;
          const fence = speaker === "a stale fence" ? 0 : speaker === "a later fence" ? 2 : 1;
          await mouth.report(runId, reported, { fence });
          await bench.settle();

          const detail = await bench.store.reads.task(run.taskId);
          const status = detail?.runs[0]?.status as RunStatus;
          const outcome: Outcome = { status, heard: mouth.heard(), counted: causeCounted(bench) };
          const where = `${was} ← ${reported} by ${speaker}`;
          expect({ where, ...outcome }).toEqual({ where, ...expected(was, reported, speaker) });
          expect(bench.fatal).toEqual([]);
          if (status === was) expect((await bench.log(run.taskId)).length).toBe(logBefore);
          if (isOver(status)) expect(isTerminal(detail?.task.state ?? "pending")).toBe(true);
          await store.close();
        }
      }
    });
  }
}

test("a public worker hears no acks, but learns of runs that are not its own", async () => {
  const bench = await startBench();
  const worker = bench.worker("old", { protocol: 0, capacity: 1 });
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  await worker.output(runId, 0, "x");
  await worker.report(runId, "COMPLETED");
  await worker.report(runId, "COMPLETED");
  await worker.report("nobody-knows" as RunId, "COMPLETED");
  await bench.settle();
  expect(worker.heard()).toEqual(["cancel"]);
  expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
});

test("a report with no fence counts for the run it names", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  await bench.create();
  const { runId, taskId } = worker.assigned();
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  expect(await bench.show(taskId)).toBe("complete, complete attempts=1, run COMPLETED");
});
