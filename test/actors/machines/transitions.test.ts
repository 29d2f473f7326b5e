import { expect, test } from "vitest";
import { stepMachine } from "#actors/step/machine";
import { taskMachine } from "#actors/task/machine";
import { stepStates } from "#domain/task/step";
import { isTerminal, taskStates } from "#domain/task/task";
import { transitionsOf } from "../kit/definition.js";

/**
 * The transitions that a Task and a Step must have, whoever tells them and by whatever message; and those
 * that must never be. Elsewhere some of them go by another way here, or by several: each of those says why.
 */
type Arrow = readonly [from: string, to: string];

/** Every change of state a machine has, as `from → to`. Passing states stand for themselves. */
function arrowsOf(machine: Parameters<typeof transitionsOf>[0]): Set<string> {
  return new Set(
    transitionsOf(machine).flatMap(({ source, target }) =>
      (target ?? []).map(({ key }) => arrow([source.key, key])),
    ),
  );
}

const arrow = ([from, to]: Arrow) => `${from} → ${to}`;
const all = (froms: readonly string[], to: string): Arrow[] => froms.map((from) => [from, to]);

const liveTasks = taskStates.filter((state) => !isTerminal(state));

const taskArrows: readonly Arrow[] = [
  ["pending", "initializing"],
  ["initializing", "enqueuing_steps"],
  ["initializing", "complete"],
  ["initializing", "waiting_for_dependencies"],
  // Enqueuing is part of the commit that finds the Steps, so it cannot fail by itself, and what comes next is
  // always a look at the results: no result can come too early to be looked at.
  ["enqueuing_steps", "evaluating_results"],
  ["steps_in_process", "evaluating_results"],
  ["evaluating_results", "steps_in_process"],
  ["evaluating_results", "complete"],
  ["evaluating_results", "enqueuing_steps"],
  ["evaluating_results", "waiting_for_dependencies"],
  ["evaluating_results", "waiting_for_retry"],
  ["evaluating_results", "blocked_by_failures"],
  ["waiting_for_dependencies", "evaluating_results"],
  // A backoff that is over is one more change of a Step: the counts say that it is in the queue again.
  ["waiting_for_retry", "evaluating_results"],
  ["blocked_by_failures", "error"],
  ["blocked_by_failures", "resolved_manually"],
  // What an operator puts right lets a held Task go on.
  ["blocked_by_failures", "evaluating_results"],
  // Nothing rests while results are looked at, so nothing is cancelled or out of time there.
  ...all(
    liveTasks.filter((state) => state !== "evaluating_results"),
    "cancelled",
  ),
  ...all(
    liveTasks.filter((state) => state !== "evaluating_results"),
    "error",
  ),
];

test("a task has every transition it must have, and no other", () => {
  expect([...arrowsOf(taskMachine)].sort()).toEqual([...new Set(taskArrows.map(arrow))].sort());
});

test("no transition leads around a look at the results, or out of an end", () => {
  const arrows = arrowsOf(taskMachine);
  const never: Arrow[] = [
    ["pending", "steps_in_process"],
    ["steps_in_process", "complete"],
    ["steps_in_process", "waiting_for_retry"],
    ["waiting_for_retry", "enqueuing_steps"],
    ["enqueuing_steps", "steps_in_process"],
    ...all(
      liveTasks.filter((state) => state !== "blocked_by_failures"),
      "resolved_manually",
    ),
    ...taskStates.filter(isTerminal).flatMap((from) => taskStates.map((to): Arrow => [from, to])),
  ];
  expect(never.map(arrow).filter((one) => arrows.has(one))).toEqual([]);
});

const settledSteps = ["complete", "cancelled", "resolved_manually"];
const liveSteps = stepStates.filter((state) => !settledSteps.includes(state) && state !== "error");
/** Nothing rests where its result is looked at, so no operator finds it there. */
const restingSteps = liveSteps.filter((state) => !state.endsWith("for_orchestration"));

const stepArrows: readonly Arrow[] = [
  ["pending", "enqueued"],
  ["enqueued", "in_progress"],
  // What needs no worker waits in no queue.
  ["pending", "in_progress"],
  ["in_progress", "enqueued_for_orchestration"],
  ["in_progress", "enqueued_as_error_for_orchestration"],
  // One that is begun anew may have to wait until a worker lets go of its last Run.
  ["pending", "waiting_for_retry"],
  // A worker that never began, or stops at a checkpoint, costs no attempt.
  ["in_progress", "enqueued"],
  ["enqueued_for_orchestration", "complete"],
  ["enqueued_for_orchestration", "error"],
  ["enqueued_as_error_for_orchestration", "error"],
  ["enqueued_as_error_for_orchestration", "waiting_for_retry"],
  ["waiting_for_retry", "pending"],
  ["error", "pending"],
  // Nothing has failed where a budget is used up, so there is no result to be looked at.
  ...all(["enqueued", "in_progress", "waiting_for_retry"], "error"),
  // An operator has one that hangs tried anew.
  ["in_progress", "pending"],
  ...all([...liveSteps, "error"], "cancelled"),
  ...all([...restingSteps, "error"], "complete"),
  ...all([...restingSteps, "error"], "resolved_manually"),
];

test("a step has every transition it must have, and no other", () => {
  expect([...arrowsOf(stepMachine)].sort()).toEqual([...new Set(stepArrows.map(arrow))].sort());
});

test("no failure goes around the finalizer, and nothing leads out of what is settled for good", () => {
  const arrows = arrowsOf(stepMachine);
  const never: Arrow[] = [
    ["enqueued_as_error_for_orchestration", "complete"],
    ["pending", "error"],
    ...all(["enqueued", "in_progress"], "waiting_for_retry"),
    ...settledSteps.flatMap((from) => stepStates.map((to): Arrow => [from, to])),
  ];
  expect(never.map(arrow).filter((one) => arrows.has(one))).toEqual([]);
});

test("only a budget that is used up leads to a failure that the finalizer has not looked at", () => {
  const around = transitionsOf(stepMachine).filter(
    ({ source, target }) =>
      target?.some(({ key }) => key === "error") && !source.key.endsWith("for_orchestration"),
  );
  expect([...new Set(around.map(({ eventType }) => eventType))]).toEqual(["budgetExceeded"]);
});

test("a task is held only by a failure, and no message but a failure's leads there", () => {
  const into = transitionsOf(taskMachine).filter(({ target }) =>
    target?.some(({ key }) => key === "blocked_by_failures"),
  );
  expect(into.map(({ source, guard }) => [source.key, guard])).toEqual([
    ["evaluating_results", "stepFailedForGood"],
    ["evaluating_results", "someIsolated"],
  ]);
});
