import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { NO_BUDGET } from "#domain/task/budget";
import type { JournalRecord, JournalState } from "#domain/task/journal";
import type { ResolveAction } from "#domain/task/step";
import { millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { type BenchPlane, LEASE_OF_OURS } from "../kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { explained } from "../kit/explained.js";
import { begin, shown, template, workflowBed } from "../kit/workflow-bench.js";

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

/** A Step whose live Run has begun what must be done once, and its worker. */
interface Begun {
  readonly bench: BenchPlane;
  readonly worker: BenchWorker;
  readonly taskId: TaskId;
  readonly run: AssignFrame;
  /** Another worker, which may be given the next Run. */
  readonly other: BenchWorker;
}

async function begun(attempts = 3): Promise<Begun> {
  const { bench, worker } = await workflowBed();
  const retry = { max_attempts: attempts, backoff: "none" } as const;
  const body = template([{ name: "main", timeout_seconds: 20, retry }], { hold_on_failure: true });
  const { task } = await begin(bench, body, { budget: { ...NO_BUDGET, tokens: 10 } });
  await bench.settle();
  const run = worker.assigned();
  await say(worker, run, 0, "BEGUN");
  const other = bench.worker("w2");
  await bench.settle();
  worker.frames.splice(0);
  return { bench, worker, taskId: task.id, run, other };
}

function resolve({ bench, taskId }: Begun, action: ResolveAction): Promise<unknown> {
  return bench.plane.resolve(LOCAL_CALLER, taskId, "main", action, "looked");
}

const reset = (given: Begun) => resolve(given, { type: "retry" });

/** The attempt takes too long: the Run ends, and its worker has not heeded that yet. */
const overrun = ({ bench, worker, other }: Begun) => bench.pass(20_001, worker, other);

async function topUp({ bench, taskId }: Begun): Promise<void> {
  await bench.plane.topUp(LOCAL_CALLER, taskId, { ...NO_BUDGET, tokens: 10 }, "more", "");
}

function use({ worker, run: { runId, fence } }: Begun): Promise<void> {
  const used = { model: "m", inputTokens: 10, outputTokens: 0, cachedTokens: 0, toolCalls: 0 };
  return worker.link.receive({ type: "usage", runId, fence, seq: 0, used });
}

/** The same process is back, and shows the Run. */
function comeBack({ bench, run: { runId, fence } }: Begun, nextSeq: number): BenchWorker {
  return bench.worker("w1", { capacity: 100, resume: [{ runId, fence, nextSeq }] });
}

interface Way {
  readonly attempts?: number;
  /** What leads to the next Run. Returns the worker that has the Run by now, if it is not the same session. */
  readonly act: (given: Begun) => Promise<BenchWorker | undefined>;
}

type Ways = Readonly<Record<string, Way>>;

/** Waits for nothing more than what is due at once. */
async function next({ bench, worker, other }: Begun): Promise<AssignFrame | undefined> {
  await bench.clock.advance(1);
  await bench.settle();
  const [assigned] = [...worker.assignments(), ...other.assignments()];
  return assigned;
}

const then = (...acts: ((given: Begun) => Promise<unknown>)[]): Way["act"] => {
  return async (given) => {
    for (const act of acts) await act(given);
    return undefined;
  };
};

/** The Run ends by the plane's word: its worker may still be at it until it says that it has stopped. */
const endedByUs: Ways = {
  "its attempt takes too long": { act: then(overrun) },
  "it is reset while it is at work": { act: then(reset) },
  "it is reset twice": { act: then(reset, reset) },
  "it is reset while it waits for its next attempt": { act: then(overrun, reset) },
  "it is reset after its last attempt": { attempts: 1, act: then(overrun, reset) },
  "it is reset after its run was refused a report": { act: then(refuse, reset) },
  "its budget is used up, and raised": { act: then(use, topUp) },
  "its budget is used up while it waits, and raised": { act: then(overrun, use, topUp) },
  "its output is lost": { act: async (given) => comeBack(given, 9) },
};

/** A report that cannot be accepted fails the Run, and with it the Step for good. */
function refuse({ worker, run: { runId } }: Begun): Promise<void> {
  return worker.link.receive({ type: "refused", runId, message: "it is no report", last: false });
}

describe("a step that is to begin anew while its worker may still be at what must be done once", () => {
  test.each(Object.entries(endedByUs))(
    "waits until that has let go when %s",
    async (_, { attempts = 3, act }) => {
      const given = await begun(attempts);
      const { bench, worker, other, taskId, run } = given;
      const holder = (await act(given)) ?? worker;
      await bench.settle();
      expect(holder.heard()).toContain("cancel");
      await bench.pass(60_000, holder, other);
      expect([holder.heard(), other.heard()].flat()).not.toContain("assign");
      expect(await shown(bench, taskId)).toBe("waiting_for_retry main=waiting_for_retry");

      await holder.report(run.runId, "CANCELLED");
      expect(await next({ ...given, worker: holder })).toMatchObject({ taskId, fence: 2, journalRecords: 1 });
    },
  );

  test.each(Object.entries(endedByUs))(
    "waits for no more than five minutes when %s",
    async (_, { attempts = 3, act }) => {
      const given = await begun(attempts);
      const { bench, worker, other, taskId } = given;
      const holder = (await act(given)) ?? worker;
      await bench.pass(limits.releaseWait + 5_000, holder, other);
      const assigned = [...holder.assignments(), ...other.assignments()];
      expect(assigned).toMatchObject([{ taskId, fence: 2, journalRecords: 1 }]);
    },
  );

  test("may be decided about meanwhile, its entry not, and says what it waits for", async () => {
    const given = await begun();
    const { bench, worker, run, taskId, other } = given;
    await reset(given);
    const { steps } = await explained(bench, taskId);
    expect(steps).toMatchObject([
      {
        cause: "BACKOFF",
        detail:
          'attempt 1 of 3, when its last run is let go: its worker may still be at "charge", which must be done once',
        until: NEVER,
      },
    ]);
    await expect(resolve(given, { type: "complete", output: "1", entry: 1 })).rejects.toThrow(
      'the worker of the last run of step "main" has not let go of it, and may still be at entry 1',
    );
    await resolve(given, { type: "complete", output: "1" });
    await worker.report(run.runId, "CANCELLED");
    await bench.pass(limits.releaseWait + 5_000, worker, other);
    expect(await shown(bench, taskId)).toBe("complete main=complete");
  });

  test("begins with all its attempts", async () => {
    const given = await begun(2);
    const { worker, run } = given;
    await overrun(given);
    await reset(given);
    await worker.report(run.runId, "CANCELLED");
    expect(await next(given)).toMatchObject({ attempt: 1, fence: 2 });
  });
});

/** The worker itself says that it has stopped, or is gone: nobody is to be waited for. */
const letGo: Ways = {
  "the agent has failed": {
    act: then(({ worker, run }) => worker.report(run.runId, "FAILED", { errorMessage: "no" })),
  },
  "it fails because it is in doubt, and a person says what became of it": {
    act: then(
      ({ worker, run }) => worker.report(run.runId, "FAILED", { errorMessage: "?", reason: "IN_DOUBT" }),
      (given) => resolve(given, { type: "retry", entry: 1 }),
    ),
  },
  "it fails because it is in doubt, and is reset": {
    act: then(
      ({ worker, run }) => worker.report(run.runId, "FAILED", { errorMessage: "?", reason: "IN_DOUBT" }),
      reset,
    ),
  },
  "it stops at a checkpoint": {
    act: then(({ bench, worker, other, run: { runId, fence } }) =>
      worker.link
        .receive({ type: "yield", runId, fence, cursor: "1", output: "" })
        .then(() => bench.pass(5_000, worker, other)),
    ),
  },
  "it waits for something, which is over": {
    act: then(async ({ bench, worker, other, run: { runId, fence } }) => {
      const sleep = { ...charge, entry: 2, kind: "SLEEP", name: "sleep", effect: "READ" } as const;
      const wait = { duration: millis(1_000) };
      const record = { ...sleep, seq: 1, state: "BEGUN", wait } as const;
      await worker.link.receive({ type: "journal", runId, fence, record });
      await worker.link.receive({ type: "suspend", runId, fence, entries: [2], journalCount: 2 });
      await bench.pass(1_001, worker, other);
    }),
  },
  "the worker drains, and gives it back": {
    act: then(({ worker, run: { runId } }) =>
      worker.link.receive({ type: "decline", runId, reason: "the worker is draining" }),
    ),
  },
  "the worker no longer names it": { act: then(({ worker }) => worker.beat([], 1)) },
  "the worker comes back without it": {
    act: async ({ bench }) => bench.worker("w1", { capacity: 100 }),
  },
  "another process comes under its name": {
    act: async ({ bench }) => bench.worker("w1", { capacity: 100, instance: "w1-2" }),
  },
  // Before the lease ends the worker has stopped by itself.
  "the worker is silent for longer than its lease": {
    act: then(({ bench, other }) => bench.pass(LEASE_OF_OURS + 1, other)),
  },
};

test.each(Object.entries(letGo))("a step in doubt begins anew without a wait when %s", async (_, { act }) => {
  const given = await begun();
  const { worker, taskId } = given;
  const holder = (await act(given)) ?? worker;
  expect(await next({ ...given, worker: holder })).toMatchObject({ taskId, fence: 2 });
});

/** Nothing of the Step begins any more. */
const over: Ways = {
  "its task is cancelled": { act: then(({ bench, taskId }) => bench.cancel(taskId)) },
  "it is completed by hand": {
    act: then((given) => resolve(given, { type: "complete", output: "1" })),
  },
  "it is resolved by hand": { act: then((given) => resolve(given, { type: "resolve" })) },
  "its worker says that it was stopped": {
    act: then(({ worker, run }) => worker.report(run.runId, "CANCELLED")),
  },
};

test.each(Object.entries(over))("a step in doubt has no other run when %s", async (_, { act }) => {
  const given = await begun();
  const { bench, worker, other, run } = given;
  await act(given);
  await worker.report(run.runId, "CANCELLED");
  await bench.pass(limits.releaseWait + 5_000, worker, other);
  expect([worker.heard(), other.heard()].flat()).not.toContain("assign");
});

/** A Run that has begun what must be done once fails, so that a person is asked. */
async function inDoubt({ bench, worker }: Pick<Begun, "bench" | "worker">, { runId }: AssignFrame) {
  await worker.report(runId, "FAILED", { errorMessage: "?", reason: "IN_DOUBT" });
  await bench.settle();
}

/** Nobody else takes its Runs. */
async function held(): Promise<Begun> {
  const given = await begun();
  given.other.link.closed();
  await inDoubt(given, given.run);
  return given;
}

describe("what a person says of an entry", () => {
  const undone = { type: "retry", entry: 1 } as const;

  test("is the same request while it is done because of it, and settles nothing once it is in doubt again", async () => {
    const given = await held();
    const { bench, worker, taskId } = given;
    await resolve(given, undone);
    const second = await next(given);
    await resolve(given, undone);
    await say(worker, second as AssignFrame, 2, "BEGUN");
    await resolve(given, undone);
    await inDoubt(given, second as AssignFrame);

    await expect(resolve(given, undone)).rejects.toThrow(
      /^the same was said of entry 1 of step "main" at .*, and it is in doubt once more since: look again/,
    );
    expect(await shown(bench, taskId)).toBe("blocked_by_failures main=error");
    await bench.plane.resolve(LOCAL_CALLER, taskId, "main", undone, "looked again");
    expect(await next(given)).toMatchObject({ taskId, fence: 3, journalRecords: 4 });
  });

  test("counts in the same words again when no request can be under way any more", async () => {
    const given = await held();
    const { bench, worker } = given;
    await resolve(given, undone);
    const second = (await next(given)) as AssignFrame;
    await say(worker, second, 2, "BEGUN");
    await inDoubt(given, second);
    await bench.pass(limits.saidAgain, worker);
    await resolve(given, undone);
    expect(await next(given)).toMatchObject({ fence: 3 });
  });

  test("is no reset of its step, nor said of another entry", async () => {
    const given = await held();
    const { worker } = given;
    await resolve(given, undone);
    const second = (await next(given)) as AssignFrame;
    await say(worker, second, 2, "BEGUN");
    await reset(given);
    expect(worker.heard()).toContain("cancel");
    await expect(resolve(given, { type: "retry", entry: 2 })).rejects.toMatchObject({
      reason: "ENTRY_STATE",
    });
  });
});

test("a signal that comes while its step is held is kept for when that goes on", async () => {
  const given = await held();
  const { bench, worker, taskId } = given;
  await bench.plane.signal(LOCAL_CALLER, taskId, "ok", "1");
  await resolve(given, { type: "complete", output: "1", entry: 1 });
  const { runId, fence } = (await next(given)) as AssignFrame;
  const wait = { ...charge, entry: 2, kind: "SIGNAL", name: "ok", effect: "READ" } as const;
  const record = { ...wait, seq: 2, state: "BEGUN", wait: { duration: millis(0) } } as const;
  await worker.link.receive({ type: "journal", runId, fence, record });
  await worker.link.receive({ type: "suspend", runId, fence, entries: [2], journalCount: 3 });
  expect(await next(given)).toMatchObject({ taskId, fence: 3, journalRecords: 4 });
});
