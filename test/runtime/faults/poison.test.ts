import { describe, expect, test } from "vitest";
import type { AddressedMessage } from "#actors/commands";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { memoryStore } from "#stores/memory/index";
import { type BenchPlane, LEASE_OF_OURS, startBench } from "../kit/bench-plane.js";
import { storeDouble } from "../kit/store-double.js";
import { begin, shown, template } from "../kit/workflow-bench.js";

/** From now on whatever this names cannot be decided, until the returned function is called. */
function poison(
  bench: BenchPlane,
  names: (told: AddressedMessage) => boolean,
  error = new Error("a bug"),
): () => void {
  const { actors } = bench.supervisor.core;
  const tell = actors.tell.bind(actors);
  actors.tell = (told, ...rest) => {
    if (names(told)) throw error;
    return tell(told, ...rest);
  };
  return () => {
    actors.tell = tell;
  };
}

const about =
  (taskId: TaskId, ...types: readonly AddressedMessage["message"]["type"][]) =>
  ({ message }: AddressedMessage) =>
    types.includes(message.type) && "taskId" in message && message.taskId === taskId;

/** What was logged of the poison; everything else would fail the test. */
const POISON = [expect.stringContaining("a bug")];

async function twoRuns() {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const [sick, well] = [await bench.create({ maxAttempts: 5 }), await bench.create()];
  const [first, second] = worker.assignments();
  if (!first || !second) throw new Error("nothing was assigned");
  return { bench, worker, sick: sick.task.id, well: well.task.id, first, second };
}

describe("a report that cannot be decided", () => {
  test("ends its run with reason INTERNAL, is not tried again, and the worker may forget it", async () => {
    const { bench, worker, sick, well, first, second } = await twoRuns();
    poison(bench, ({ message }) => message.type === "report" && message.report.runId === first.runId);
    await worker.report(first.runId, "COMPLETED");
    await worker.report(second.runId, "COMPLETED");
    await bench.settle();
    expect(await bench.show(sick)).toBe("error STEP_FAILED, error attempts=1, run FAILED/INTERNAL held");
    expect(await bench.show(well)).toContain("run COMPLETED");
    expect(bench.errors()).toEqual([...POISON, ...POISON, expect.stringContaining("left alone")]);
  });

  test("ends what it leads to, where that is what fails", async () => {
    const { bench, worker, sick, first } = await twoRuns();
    poison(bench, ({ message }) => message.type === "run.ended" && message.end.how === "completed");
    await worker.report(first.runId, "COMPLETED");
    await bench.settle();
    expect(await bench.show(sick)).toBe("error STEP_FAILED, error attempts=1, run FAILED/INTERNAL");
    expect(worker.heard()).toEqual(["cancel", "cancel", "ack.status"]);
    expect(bench.errors()).toEqual(POISON);
  });

  test("is left alone, ever longer, if nothing can be ended; the plane's health says so until it can", async () => {
    const { bench, worker, sick, first } = await twoRuns();
    const heal = poison(bench, (told) => about(sick, "run.ended", "abort", "task.ended")(told));
    const commits = () => bench.counted("taskrun_turns_total");
    for (let beat = 0; beat < 720; beat += 1) {
      await worker.report(first.runId, "COMPLETED");
      await bench.pass(5_000, worker);
    }
    expect(commits()).toBeLessThan(2_000);
    expect(bench.errors().length).toBeLessThan(60);
    expect(bench.plane.health).toMatchObject({ parked: { count: 1 } });
    expect(bench.counted("taskrun_reports_refused_total", { cause: "parked" })).toBeGreaterThan(600);
    expect(await bench.show(sick)).toContain("run ASSIGNED held");

    heal();
    for (let beat = 0; beat < 1_440; beat += 1) {
      await worker.report(first.runId, "COMPLETED");
      await bench.pass(5_000, worker);
    }
    expect(await bench.show(sick)).toBe("complete, complete attempts=1, run COMPLETED");
    expect(bench.plane.health).toEqual({});
  });
});

describe("a deadline that cannot be decided", () => {
  test.each(["timer", "signal"] as const)(
    "fails the step it is for (%s), and others come in time",
    async (type) => {
      const bench = await startBench();
      const waits =
        type === "timer"
          ? { name: "wait", type, timer: { delay_ms: 1_000 } }
          : { name: "wait", type, signal: { name: "go", timeout_ms: 1_000, default: 1 } };
      const sick = await begin(bench, template([waits, { name: "after", dependencies: ["wait"] }]));
      const well = await begin(bench, template([waits, { name: "after", dependencies: ["wait"] }]));
      poison(bench, about(sick.task.id, "deadline.passed"));
      await bench.clock.advance(1_000);
      expect(await shown(bench, sick.task.id)).toBe("error wait=error after=cancelled");
      expect(await shown(bench, well.task.id)).toContain("wait=complete after=enqueued");
      expect((await bench.store.reads.task(sick.task.id))?.task.errorMessage).toContain("INTERNAL");
      expect(bench.errors()).toEqual([...POISON, ...POISON]);
      expect(await bench.store.nextDueAt()).toBeUndefined();
    },
  );

  test("is left alone, ever longer, if its task cannot be ended", async () => {
    const bench = await startBench();
    const sick = await begin(bench, template([{ name: "wait", type: "timer", timer: { delay_ms: 1_000 } }]));
    const heal = poison(bench, about(sick.task.id, "deadline.passed", "abort"));
    const reads = () => bench.counted("taskrun_turns_total");
    await bench.clock.advance(3_600_000);
    expect(reads()).toBeLessThan(30);
    expect(bench.errors().length).toBeLessThan(60);
    expect(bench.plane.health).toMatchObject({ parked: { count: 1 } });
    heal();
    await bench.clock.advance(3_600_000);
    expect(await shown(bench, sick.task.id)).toBe("complete wait=complete");
    expect(bench.plane.health).toEqual({});
  });
});

describe("a worker that cannot be decided about", () => {
  test("loses its runs when it is silent, but for the one that cannot be lost, which ends", async () => {
    const { bench, sick, well } = await twoRuns();
    poison(
      bench,
      (told) => about(sick, "run.ended")(told) && "end" in told.message && told.message.end.how === "lost",
    );
    await bench.clock.advance(LEASE_OF_OURS);
    expect(await bench.show(sick)).toBe("error STEP_FAILED, error attempts=1, run FAILED/INTERNAL");
    expect(await bench.show(well)).toContain("run FAILED/WORKER_LOST");
    expect(bench.errors()).toEqual(POISON);
  });

  test("whose silence cannot be decided at all is asked about ever less often", async () => {
    const { bench } = await twoRuns();
    const heal = poison(bench, ({ message }) => message.type === "silent");
    await bench.clock.advance(3_600_000);
    expect(bench.errors().length).toBeLessThan(40);
    heal();
    await bench.clock.advance(3_600_000);
    expect(bench.supervisor.core.memory.roster.heldCount).toBe(0);
    expect(bench.plane.health).toEqual({});
  });

  test("comes back without the run on which its hello fails", async () => {
    const { bench, sick, well, first, second } = await twoRuns();
    poison(
      bench,
      ({ message }) =>
        about(sick, "run.ended")({ to: "task-finalizer", message } as AddressedMessage) &&
        "end" in message &&
        message.end.how === "handedBack",
    );
    const again = bench.worker("w1", { resume: [{ runId: second.runId, fence: 1, nextSeq: 0 }] });
    await bench.settle();
    expect(await bench.show(sick)).toBe("error STEP_FAILED, error attempts=1, run FAILED/INTERNAL");
    expect(await bench.show(well)).toContain("run ASSIGNED held");
    expect(again.heard()).toContain("welcome");
    expect(first.runId).not.toBe(second.runId);
    expect(bench.errors()).toEqual(POISON);
  });
});

describe("work that cannot be assigned", () => {
  test("ends its task, and everybody else gets theirs", async () => {
    const bench = await startBench();
    const made = [];
    for (let i = 0; i < 5; i += 1) made.push((await bench.create()).task.id);
    const sick = made[2] as TaskId;
    poison(
      bench,
      ({ message }) => message.type === "assign" && message.placements.some(({ taskId }) => taskId === sick),
    );
    const worker = bench.worker("w1");
    await bench.settle();
    expect(worker.assignments().map(({ taskId }) => taskId)).toEqual(made.filter((id) => id !== sick));
    expect(await bench.show(sick)).toBe("error INTERNAL, cancelled attempts=0");
    expect(bench.errors()).toEqual([...POISON, ...POISON]);
  });

  test("because the scheduler fails stops nobody from reporting", async () => {
    const { bench, worker, well, second } = await twoRuns();
    poison(bench, ({ to }) => to === "scheduler");
    await bench.create();
    await worker.report(second.runId, "COMPLETED");
    await bench.settle();
    expect(await bench.show(well)).toContain("run COMPLETED");
    expect(new Set(bench.errors()).size).toBe(1);
  });
});

test("a refusal thrown while deciding is a fault of that message, not of the store", async () => {
  const { bench, worker, sick, first } = await twoRuns();
  poison(bench, ({ message }) => message.type === "report", new Fault("invalid", "a bug in a schema"));
  await worker.report(first.runId, "COMPLETED");
  await bench.settle();
  expect(bench.fatal).toEqual([]);
  expect(await bench.show(sick)).toContain("run FAILED/INTERNAL");
  bench.errors();
});

test("a store that fails while a message is decided stops the plane, and ends nobody's work", async () => {
  const store = storeDouble(memoryStore());
  const bench = await startBench(store);
  const { task } = await bench.create();
  const { load } = store;
  store.load = () => Promise.reject(new Error("the disk is on fire"));
  void bench.worker("w1");
  await bench.settle();
  store.load = load;
  expect(bench.fatal.map(({ message }) => message)).toEqual(["the disk is on fire"]);
  expect(await bench.show(task.id)).toBe("enqueuing_steps, enqueued attempts=0");
});
