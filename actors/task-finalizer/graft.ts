import type { Growth } from "#domain/graph";
import { limits } from "#domain/limits";
import type { Membership, StepPlan } from "#domain/plan";
import { type StepRow, satisfies } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { Instant } from "#domain/time";
import type { Ask } from "../asks.js";
import { rowsOfSprouts } from "../task/make.js";
import { letGo } from "../task/start.js";
import { advanceTask } from "./done.js";

/** Steps to be made, with their own inputs as JSON text. */
export interface Scion {
  readonly growth: Growth;
  readonly inputs: ReadonlyMap<string, string>;
}

/** Why a Task cannot have so much more, or undefined if it can. */
export function tooLarge(steps: readonly StepRow[], { sprouts, ties }: Growth): string | undefined {
  const count = steps.length + sprouts.length;
  if (count > limits.taskSteps) return `the task would have ${count} steps, ${limits.taskSteps} are the most`;
  const lists = [
    ...steps.map(({ dependsOn }) => dependsOn),
    ...sprouts.map(({ dependsOn }) => dependsOn),
    ...ties.values(),
  ];
  const edges = lists.reduce((sum, { length }) => sum + length, 0);
  return edges > limits.taskEdges
    ? `the task would have ${edges} dependencies, ${limits.taskEdges} are the most`
    : undefined;
}

/** Adds what has grown to the Steps that are there. */
export function graft(
  task: TaskRow,
  source: StepRow,
  there: readonly StepRow[],
  { growth: { sprouts, ties }, inputs }: Scion,
  at: Instant,
): Ask[] {
  const done = new Set(
    there.filter((row) => row.name !== source.name && satisfies(row)).map(({ name }) => name),
  );
  const made = rowsOfSprouts(task.id, sprouts, task.spec.maxAttempts, done).map((row) => ({
    ...row,
    hasInput: inputs.has(row.name),
    dependants: [...row.dependants, ...tiedTo(row.name, ties)],
  }));
  const members = made.filter(({ spec }) => spec.member?.group === source.name).map(({ name }) => name);
  const open = Math.min(members.length, source.spec.batch?.parallelism ?? 0);
  return [
    ...(made.length > 0 ? [advanceTask(task, { type: "stepsAdded", at, count: made.length })] : []),
    ...made.map((step): Ask => ({ type: "createStep", params: { step } })),
    ...[...inputs].map(
      ([stepName, json]): Ask => ({
        type: "keepInput",
        params: { taskId: task.id, stepName, json },
      }),
    ),
    ...there.flatMap((row) => tie(row, made, ties, done, row.name === source.name ? members : [])),
    ...(members.length > 0
      ? [advanceTask(task, { type: "opened", at, group: source.name, count: open })]
      : []),
    ...made.filter(({ unsatisfied }) => unsatisfied === 0).flatMap((row) => letGo(task, row, at)),
  ];
}

/** The convergences that now wait for this Step too. */
function tiedTo(name: string, ties: Growth["ties"]): string[] {
  return [...ties].filter(([, names]) => names.includes(name)).map(([waiting]) => waiting);
}

/** What a Step that is there already gains. */
function tie(
  row: StepRow,
  made: readonly StepRow[],
  ties: Growth["ties"],
  done: ReadonlySet<string>,
  members: readonly string[],
): Ask[] {
  const followers = made.filter(({ dependsOn }) => dependsOn.includes(row.name)).map(({ name }) => name);
  const dependants = [...followers, ...tiedTo(row.name, ties)];
  const dependsOn = ties.get(row.name) ?? [];
  if (dependants.length + dependsOn.length + members.length === 0) return [];

  const unsatisfied = dependsOn.filter((name) => !done.has(name)).length;
  const { taskId, name: stepName } = row;
  return [{ type: "tieStep", params: { taskId, stepName, dependsOn, unsatisfied, dependants, members } }];
}

/** Also for maps: what one of many is to do. */
export function memberSpec({ spec }: Pick<StepPlan, "spec">, member: Membership): StepPlan["spec"] {
  const { planned, config, retry, maxAttempts, timeoutMs, hasSchema, undo } = spec;
  const checked = { ...(hasSchema && { hasSchema }), ...(undo && { undo }) };
  return { type: "standard", planned, config, retry, maxAttempts, timeoutMs, member, ...checked };
}
