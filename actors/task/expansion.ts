import type { Expansion } from "#domain/graph/graph";
import type { Membership, StepPlan } from "#domain/graph/plan";
import { type StepRow, satisfies } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { advanceTask } from "../make-command.js";
import type { ExpansionWithInputs } from "../step-types/behavior.js";
import { dispatchStep } from "../step-types/index.js";
import type { MessageView } from "../view.js";
import { rowsOfNewSteps } from "./make.js";

/** Why a Task cannot have so much more, or undefined if it can. */
export function expansionLimitError(
  steps: readonly StepRow[],
  { newSteps, extraDependencies }: Expansion,
): string | undefined {
  const count = steps.length + newSteps.length;
  if (count > limits.taskSteps) return `the task would have ${count} steps, ${limits.taskSteps} are the most`;
  const lists = [
    ...steps.map(({ dependsOn }) => dependsOn),
    ...newSteps.map(({ dependsOn }) => dependsOn),
    ...extraDependencies.values(),
  ];
  const edges = lists.reduce((sum, { length }) => sum + length, 0);
  return edges > limits.taskEdges
    ? `the task would have ${edges} dependencies, ${limits.taskEdges} are the most`
    : undefined;
}

/** Adds what has grown to the Steps that are there. */
export function applyExpansion(
  task: TaskRow,
  source: StepRow,
  there: readonly StepRow[],
  { expansion: { newSteps, extraDependencies }, inputs }: ExpansionWithInputs,
  view: Pick<MessageView, "announcementOf">,
  at: Instant,
): Command[] {
  const done = new Set(
    there.filter((row) => row.name !== source.name && satisfies(row)).map(({ name }) => name),
  );
  const made = rowsOfNewSteps(task, newSteps, view, done).map((row) => ({
    ...row,
    hasInput: inputs.has(row.name),
    dependants: [...row.dependants, ...waitingFor(row.name, extraDependencies)],
  }));
  const ofSource = made.filter(({ spec }) => spec.member?.group === source.name);
  const members = ofSource.map(({ name }) => name);
  const open = Math.min(members.length, ofSource[0]?.spec.member?.concurrency ?? 0);
  return [
    ...(made.length > 0 ? [advanceTask(task, { type: "stepsAdded", at, count: made.length })] : []),
    ...made.map((step): Command => ({ type: "createStep", params: { step } })),
    ...[...inputs].map(
      ([stepName, json]): Command => ({
        type: "keepInput",
        params: { taskId: task.id, stepName, json },
      }),
    ),
    ...there.flatMap((row) =>
      extendStep(row, made, extraDependencies, done, row.name === source.name ? members : []),
    ),
    ...(members.length > 0
      ? [advanceTask(task, { type: "opened", at, group: source.name, count: open })]
      : []),
    ...made.filter(({ unsatisfied }) => unsatisfied === 0).flatMap((row) => dispatchStep(task, row, at)),
  ];
}

/** The convergences that now wait for this Step too. */
function waitingFor(name: string, extraDependencies: Expansion["extraDependencies"]): string[] {
  return [...extraDependencies].filter(([, names]) => names.includes(name)).map(([waiting]) => waiting);
}

/** What a Step that is there already gains. */
function extendStep(
  row: StepRow,
  made: readonly StepRow[],
  extraDependencies: Expansion["extraDependencies"],
  done: ReadonlySet<string>,
  members: readonly string[],
): Command[] {
  const followers = made.filter(({ dependsOn }) => dependsOn.includes(row.name)).map(({ name }) => name);
  const dependants = [...followers, ...waitingFor(row.name, extraDependencies)];
  const dependsOn = extraDependencies.get(row.name) ?? [];
  if (dependants.length + dependsOn.length + members.length === 0) return [];

  const unsatisfied = dependsOn.filter((name) => !done.has(name)).length;
  const { taskId, name: stepName } = row;
  return [
    { type: "addDependencies", params: { taskId, stepName, dependsOn, unsatisfied, dependants, members } },
  ];
}

/** Also for maps: what one of many is to do. */
export function memberSpec({ spec }: Pick<StepPlan, "spec">, member: Membership): StepPlan["spec"] {
  const {
    planned,
    config,
    input,
    retry,
    maxAttempts,
    maxLosses,
    retryable,
    timeoutMs,
    hasSchema,
    compensation,
  } = spec;
  const checked = {
    ...(input && { input }),
    ...(maxLosses !== undefined && { maxLosses }),
    ...(retryable === false && { retryable }),
    ...(hasSchema && { hasSchema }),
    ...(compensation && { compensation }),
  };
  return { type: "standard", planned, config, retry, maxAttempts, timeoutMs, member, ...checked };
}
