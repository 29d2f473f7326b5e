import { expect, test } from "vitest";
import type { ActorLife, ActorState } from "#actors/life";
import { runTrackerMachine } from "#actors/run-tracker/machine";
import { schedulerMachine } from "#actors/scheduler/machine";
import { stepMachine } from "#actors/step/machine";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import { taskRequestMachine } from "#actors/task-request/machine";
import { isOver, type RunRow, runStatuses } from "#domain/task/run";
import { type StepState, stepStates } from "#domain/task/step";
import { countOf, isTerminal, type TaskRow, taskStates } from "#domain/task/task";
import { decider } from "#runtime/machines/flat-interpreter";
import { advanceRun, advanceStep, advanceTask, advanceWorker } from "#runtime/machines/lifecycles";
import { transitionsOf } from "../kit/definition.js";
import { changeOf, runLife, sessionStates, stepLife, taskLife, workerLife } from "../kit/lives.js";
import { run, session, spec, step, task } from "../kit/rows.js";

/** More nodes than any of these lives has; a life that passes it never ends. */
const NODES_MAX = 5_000;

interface Graph<Node> {
  readonly nodes: ReadonlyMap<string, Node>;
  /** Nodes from which no end can be reached. */
  readonly stuck: readonly string[];
}

/** Walks everywhere a life can go, then back from its ends. */
function explore<Node>(
  starts: readonly Node[],
  next: (node: Node) => readonly Node[],
  keyOf: (node: Node) => string,
  isEnd: (node: Node) => boolean,
): Graph<Node> {
  const nodes = new Map(starts.map((node) => [keyOf(node), node]));
  const from = new Map<string, string[]>();
  for (const [key, node] of nodes) {
    if (nodes.size > NODES_MAX) throw new Error(`more than ${NODES_MAX} nodes: the life does not close`);
    for (const after of next(node)) {
      const to = keyOf(after);
      from.set(to, [...(from.get(to) ?? []), key]);
      if (!nodes.has(to)) nodes.set(to, after);
    }
  }

  const ending = new Set([...nodes].filter(([, node]) => isEnd(node)).map(([key]) => key));
  for (const key of ending) for (const before of from.get(key) ?? []) ending.add(before);
  return { nodes, stuck: [...nodes.keys()].filter((key) => !ending.has(key)) };
}

const unique = <Value>(values: Iterable<Value>) => [...new Set(values)].sort();

/** Where a Step can go from each state, as its own machine has it. */
const stepMoves = new Map<StepState, readonly StepState[]>(
  stepStates.map((state) => [
    state,
    transitionsOf(stepMachine)
      .filter(({ source }) => source.key === state)
      .flatMap(({ target }) => target?.map(({ key }) => key as StepState) ?? []),
  ]),
);

/** All a Task can hear where it stands, but more Steps: its Steps move only as Steps do. */
function afterTask(row: TaskRow): TaskRow[] {
  const plain = taskLife.cases
    .map(({ message }) => message)
    .filter(({ type }) => type !== "stepChanged" && type !== "stepsAdded" && type !== "opened");
  const moves = (Object.keys(row.counts) as StepState[]).flatMap((from) =>
    (stepMoves.get(from) ?? []).flatMap((to) => kinds(row, from).map((kind) => changeOf(from, to, kind))),
  );
  return [...plain, ...moves].map((message) => advanceTask(row, message)[0]);
}

/** The Step that moves may be one whose failure is passed over, or isolated; one that has failed is known to be. */
function kinds({ counts, tolerated, isolated }: TaskRow, from: StepState) {
  const possible = [
    { tolerated: false, isolated: false, is: countOf(counts, "error") > tolerated },
    { tolerated: true, isolated: false, is: tolerated > isolated },
    { tolerated: true, isolated: true, is: isolated > 0 },
  ];
  return possible.filter(({ is }) => from !== "error" || is).map(({ is: _, ...kind }) => kind);
}

test("from everywhere a task of two steps can get to, it can get to an end, and it never rests while evaluating", () => {
  const starts = [false, true].map((holdOnFailure) =>
    task({ counts: { pending: 2 }, spec: spec({ holdOnFailure }) }),
  );
  const { nodes, stuck } = explore(
    starts,
    afterTask,
    ({ state, counts, hasRun, spec, tolerated, isolated }) =>
      JSON.stringify([
        [state, hasRun, spec.holdOnFailure, tolerated, isolated],
        Object.entries(counts).sort(),
      ]),
    ({ state }) => isTerminal(state),
  );

  expect(stuck).toEqual([]);
  expect(unique([...nodes.values()].map(({ state }) => state))).toEqual(
    taskStates.filter((state) => state !== "evaluating_results").sort(),
  );
});

test("from every state of a step an end can be reached, and every state from the first", () => {
  const { nodes, stuck } = explore(
    [step()],
    (row) => stepLife.cases.map(({ message }) => advanceStep(row, message)[0]),
    ({ state }) => state,
    ({ state }) => stepMoves.get(state)?.length === 0,
  );

  expect(stuck).toEqual([]);
  expect(unique(nodes.keys())).toEqual([...stepStates].sort());
});

/** A Run's two regions, as its row shows them. */
const runKey = ({ status, heldBy }: RunRow) => `${status} ${heldBy === "" ? "not held" : "held"}`;

test("a run reaches every status and an end of each region; alive is held, and an ended one may be", () => {
  const { nodes, stuck } = explore(
    [run()],
    (row) => runLife.cases.map(({ message }) => advanceRun(row, message)[0]),
    runKey,
    ({ status, heldBy }) => isOver(status) && heldBy === "",
  );

  expect(stuck).toEqual([]);
  expect(unique([...nodes.values()].map(({ status }) => status))).toEqual([...runStatuses].sort());
  expect(unique(nodes.keys())).toEqual([
    "ASSIGNED held",
    "CANCELLED held",
    "CANCELLED not held",
    "COMPLETED not held",
    "FAILED held",
    "FAILED not held",
    "PENDING not held",
    "RUNNING held",
  ]);
});

test("from every state of a worker session an end can be reached, and every state from the first", () => {
  const { nodes, stuck } = explore(
    [session()],
    (row) => workerLife.cases.map(({ message }) => advanceWorker(row, message)[0]),
    ({ state }) => state,
    ({ state }) => state === "gone",
  );

  expect(stuck).toEqual([]);
  expect(unique(nodes.keys())).toEqual([...sessionStates].sort());
});

test.each([taskRequestMachine, schedulerMachine, runTrackerMachine, taskFinalizerMachine])(
  "the actor $id goes through all five states and stops, but only once it has drained or never served",
  (machine) => {
    const decide = decider<unknown, ActorLife>(machine);
    const lives = ["serve", "fill", "ease", "drain", "stop"] as const;
    const after = (value: ActorState) =>
      lives.map((type) => decide({ value, context: { served: {} } }, { type }).value as ActorState);
    const { nodes, stuck } = explore<ActorState>(
      ["starting"],
      after,
      (state) => state,
      (state) => state === "stopped",
    );

    expect(stuck).toEqual([]);
    expect(unique(nodes.keys())).toEqual(["draining", "saturated", "serving", "starting", "stopped"]);
    expect(
      [...nodes.keys()].filter((state) => after(state as ActorState).includes("stopped")).sort(),
    ).toEqual(["draining", "starting", "stopped"]);
  },
);
