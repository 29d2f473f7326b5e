import { expect, test } from "vitest";
import { isOver } from "#domain/task/run";
import { decider } from "#runtime/machines/flat-interpreter";
import { muted, named, nodesOf, takenBy, transitionsOf } from "../kit/definition.js";
import { type Life, type RunValue, runLife, stepLife, taskLife, workerLife } from "../kit/lives.js";

/** Where each message leads from each state. What is not in the table is ignored. */
type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

const taskEnds = { cancel: "cancelled", timeout: "error", abort: "error" };
const stepChanged = {
  "stepChanged to enqueued": "enqueuing_steps",
  "stepChanged to enqueued, after a run": "steps_in_process",
  "stepChanged to in_progress": "steps_in_process",
  "stepChanged to in_progress, without a worker": "enqueuing_steps",
  "stepChanged to waiting_for_retry": "waiting_for_retry",
  "stepChanged to pending": "waiting_for_dependencies",
  "stepChanged to complete": "complete",
  "stepChanged to resolved_manually": "complete",
  "stepChanged to error, held": "blocked_by_failures",
  "stepChanged to error": "error",
  "stepChanged to error, in doubt": "blocked_by_failures",
  "stepChanged to resolved_manually, after doubt": "complete",
  "stepChanged to error, passed over": "complete",
  "stepChanged to error, isolated": "error",
};
const expansion = (state: string) => ({ stepsAdded: state, opened: state });
const counted = Object.fromEntries(Object.keys(stepChanged).map((name) => [name, "initializing"]));

const taskTable: Table = {
  pending: { start: "initializing", ...taskEnds },
  initializing: {
    readyStepsFound: "enqueuing_steps",
    noDependenciesReady: "waiting_for_dependencies",
    noStepsFound: "complete",
    ...counted,
    ...expansion("initializing"),
    ...taskEnds,
  },
  enqueuing_steps: { ...stepChanged, ...expansion("enqueuing_steps"), ...taskEnds },
  steps_in_process: { ...stepChanged, ...expansion("steps_in_process"), ...taskEnds },
  waiting_for_dependencies: { ...stepChanged, ...expansion("waiting_for_dependencies"), ...taskEnds },
  waiting_for_retry: { ...stepChanged, ...expansion("waiting_for_retry"), ...taskEnds },
  blocked_by_failures: {
    ...stepChanged,
    ...expansion("blocked_by_failures"),
    giveUp: "error",
    manualResolution: "resolved_manually",
    ...taskEnds,
  },
  complete: {},
  error: {},
  cancelled: {},
  resolved_manually: {},
};

const byHand = { completeManually: "complete", resolveManually: "resolved_manually" };
const early = (state: string) => ({ dependencySatisfied: state, signalled: state });

const stepTable: Table = {
  pending: {
    enqueue: "enqueued",
    begin: "in_progress",
    waitForRetry: "waiting_for_retry",
    ...early("pending"),
    ...byHand,
    cancel: "cancelled",
  },
  enqueued: { start: "in_progress", budgetExceeded: "error", ...byHand, cancel: "cancelled" },
  in_progress: {
    succeeded: "enqueued_for_orchestration",
    failed: "enqueued_as_error_for_orchestration",
    lost: "enqueued_as_error_for_orchestration",
    yielded: "enqueued",
    handBack: "enqueued",
    suspended: "in_progress",
    woken: "enqueued",
    ...early("in_progress"),
    resetForRetry: "pending",
    budgetExceeded: "error",
    ...byHand,
    cancel: "cancelled",
  },
  enqueued_for_orchestration: {
    complete: "complete",
    fail: "error",
    "fail, in doubt": "error",
    cancel: "cancelled",
  },
  enqueued_as_error_for_orchestration: {
    waitForRetry: "waiting_for_retry",
    fail: "error",
    "fail, in doubt": "error",
    cancel: "cancelled",
  },
  waiting_for_retry: {
    retry: "pending",
    budgetExceeded: "error",
    resetForRetry: "pending",
    ...byHand,
    cancel: "cancelled",
  },
  complete: {},
  error: { resetForRetry: "pending", "budgetRaised, held": "pending", ...byHand, cancel: "cancelled" },
  cancelled: {},
  resolved_manually: {},
};

const runEnds = {
  completed: "COMPLETED",
  yielded: "COMPLETED",
  suspended: "COMPLETED",
  failed: "FAILED",
  broken: "FAILED",
  lost: "FAILED",
  undeliverable: "FAILED",
  cancelled: "CANCELLED",
  declined: "CANCELLED",
  end: "CANCELLED",
  "end, out of time": "FAILED",
};

const runStatusTable: Table = {
  PENDING: { assign: "ASSIGNED", end: "CANCELLED", "end, out of time": "CANCELLED" },
  ASSIGNED: { started: "RUNNING", wrote: "ASSIGNED", ...runEnds },
  RUNNING: { wrote: "RUNNING", ...runEnds },
  COMPLETED: {},
  FAILED: {},
  CANCELLED: {},
};

const lettingGo = {
  resumed: "held",
  completed: "released",
  yielded: "released",
  suspended: "released",
  failed: "released",
  cancelled: "released",
  declined: "released",
  lost: "released",
  undeliverable: "released",
};

const runHoldTable: Table = {
  free: { assign: "held", end: "released", "end, out of time": "released" },
  held: lettingGo,
  "held, over": { ...lettingGo, started: "held", released: "released" },
  released: {},
};

const beats = {
  "beat IDLE": "serving",
  "beat BUSY": "serving",
  "beat DRAINING": "draining",
  "beat ERROR": "failing",
};
const workerEnds = { silent: "gone", superseded: "gone" };

const workerTable: Table = {
  serving: { ...beats, drain: "draining", closed: "detached", ...workerEnds },
  failing: { ...beats, drain: "draining", closed: "detached", ...workerEnds },
  draining: {
    "beat IDLE": "draining",
    "beat BUSY": "draining",
    "beat DRAINING": "draining",
    "beat ERROR": "draining",
    drain: "draining",
    closed: "detached",
    ...workerEnds,
  },
  detached: workerEnds,
  gone: {},
};

interface Cell {
  readonly state: string;
  readonly addressed: string;
  readonly leadsTo: string;
}

/** All pairs of the lifecycle, as its machine decides them. */
function decided({ machine, values, cases, rowAt }: Life): Cell[] {
  const decide = decider<unknown, { type: string }>(machine);
  return values.flatMap((value) =>
    cases.map(({ name, message, given }) => {
      const context = { ...(rowAt(value as never) as object), ...(given as object) };
      const after = decide({ value, context }, message as { type: string });
      return { state: text(value), addressed: name, leadsTo: after.ignored ? "ignored" : text(after.value) };
    }),
  );
}

/** The same pairs, as the table has them. */
function expected({ values, cases }: Life, ...tables: readonly Table[]): Cell[] {
  return values.flatMap((value) =>
    cases.map(({ name }) => {
      const froms = regions(value);
      const tos = rowNames(value).map((row, i) => tables[i]?.[row]?.[name]);
      const heard = tos.some((to) => to !== undefined);
      return {
        state: text(value),
        addressed: name,
        leadsTo: heard ? tos.map((to, i) => to ?? froms[i]).join(" ") : "ignored",
      };
    }),
  );
}

function regions(value: unknown): string[] {
  if (typeof value === "string") return [value];
  const { status, hold } = value as RunValue;
  return [status, hold];
}

/** The rows to look into: a Run that is over may be let go of, one that is alive only by its end. */
function rowNames(value: unknown): string[] {
  if (typeof value === "string") return [value];
  const { status, hold } = value as RunValue;
  return [status, hold === "held" && isOver(status) ? "held, over" : hold];
}

const stateOf = (row: string) => row.split(",")[0] ?? row;
const text = (value: unknown) => regions(value).join(" ");

const lives = [
  ["Task", taskLife, [taskTable]],
  ["Step", stepLife, [stepTable]],
  ["Run", runLife, [runStatusTable, runHoldTable]],
  ["Worker", workerLife, [workerTable]],
] as const;

test.each(lives)(
  "a %s goes from every state, for every message, where the table says, or ignores it",
  (_, life, tables) => {
    expect(decided(life)).toEqual(expected(life, ...tables));
  },
);

test.each(lives)(
  "a %s listens in each state for the messages of the table, and for no others",
  (_, life, tables) => {
    const listens = nodesOf(life.machine.root).flatMap(({ key, transitions }) =>
      [...transitions.keys()].map((type) => `${key} ${type}`),
    );
    const typeOf = new Map(life.cases.map(({ name, message }) => [name, (message as { type: string }).type]));
    const listed = tables.flatMap((table) =>
      Object.entries(table).flatMap(([state, row]) =>
        Object.keys(row).map(
          (name) => `${stateOf(state)} ${typeOf.get(name) ?? `${name}, which is no case`}`,
        ),
      ),
    );

    expect([...new Set(listed)].sort()).toEqual(listens.sort());
  },
);

test.each(lives)("every transition of a %s is taken by some pair, whatever its guard", (_, life) => {
  const machine = muted(life.machine);
  const taken = life.values.flatMap((value) =>
    life.cases.flatMap(({ message, given }) => {
      const context = { ...(life.rowAt(value as never) as object), ...(given as object) };
      return takenBy(machine, value, context, message as { type: string });
    }),
  );

  const missed = transitionsOf(machine).filter((transition) => !taken.includes(transition));
  expect(missed.map(named)).toEqual([]);
});

test("the tables have a row for every state of their machine", () => {
  const states = (life: Life) =>
    nodesOf(life.machine.root).filter(({ type }) => type === "atomic" || type === "final");
  for (const [, life, tables] of lives) {
    const rows = tables.flatMap((table) => Object.keys(table).map(stateOf));
    expect([...new Set(rows)].sort()).toEqual(
      states(life)
        .map(({ key }) => key)
        .filter((key) => key !== "evaluating_results")
        .sort(),
    );
  }
});
