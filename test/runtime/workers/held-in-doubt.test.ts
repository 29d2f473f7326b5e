import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { JournalRecord, JournalState } from "#domain/task/journal";
import { limits } from "#limits/index";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { begin, template, workflowBed } from "../kit/workflow-bench.js";

const charge: Omit<JournalRecord, "seq" | "state"> = {
  entry: 1,
  kind: "STEP",
  name: "charge",
  occurrence: 1,
  inputDigest: "",
  effect: "ONCE",
  concurrent: false,
  result: "",
  errorMessage: "",
};

/** The worker of the Run says of its only entry where it is. */
function say(worker: BenchWorker, { runId, fence }: AssignFrame, seq: number, state: JournalState) {
  return worker.link.receive({ type: "journal", runId, fence, record: { ...charge, seq, state } });
}

describe("a worker that may still be at what must be done once", () => {
  const timed = template([
    { name: "main", timeout_seconds: 10, retry: { max_attempts: 3, backoff: "none" } },
  ]);
  async function given() {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, timed);
    await bench.settle();
    return { bench, worker, task, run: worker.assigned() };
  }

  test("is waited for when its attempt has taken too long: nobody can know yet whether it is done", async () => {
    const { bench, worker, task, run } = await given();
    await say(worker, run, 0, "BEGUN");
    await bench.pass(60_000, worker);
    const heard = worker.heard();
    expect(heard).toContain("cancel");
    expect(heard).not.toContain("assign");

    await worker.report(run.runId, "CANCELLED");
    await bench.clock.advance(1);
    await bench.settle();
    expect(worker.assigned()).toMatchObject({ taskId: task.id, attempt: 2, journalRecords: 1 });
  });

  test("is waited for no longer than what may be compensated is", async () => {
    const { bench, worker, run } = await given();
    await say(worker, run, 0, "BEGUN");
    await bench.pass(10_000 + limits.releaseWait + 1_000, worker);
    expect(worker.assigned()).toMatchObject({ attempt: 2 });
  });

  test("may still say what became of it: until it has let go, a person may not", async () => {
    const { bench, worker } = await workflowBed();
    const single = template([{ name: "main", timeout_seconds: 10, retry: { max_attempts: 1 } }], {
      hold_on_failure: true,
    });
    const { task } = await begin(bench, single);
    await bench.settle();
    const run = worker.assigned();
    await say(worker, run, 0, "BEGUN");
    await bench.pass(11_000, worker);
    const resolve = () =>
      bench.plane.resolve(
        LOCAL_CALLER,
        task.id,
        "main",
        { type: "complete", output: "1", entry: 1 },
        "saw it",
      );
    await expect(resolve()).rejects.toMatchObject({ reason: "STEP_STATE" });
    await worker.report(run.runId, "CANCELLED");
    await bench.settle();
    await resolve();
    await bench.settle();
    expect(worker.assigned()).toMatchObject({ taskId: task.id, journalRecords: 2 });
  });

  test("is not waited for if all that it has begun is over, or may be done again", async () => {
    const { bench, worker, run } = await given();
    await say(worker, run, 0, "BEGUN");
    await say(worker, run, 1, "COMPLETED");
    await bench.pass(11_000, worker);
    expect(worker.assigned()).toMatchObject({ attempt: 2, journalRecords: 2 });
  });
});
