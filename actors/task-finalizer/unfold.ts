import { batchSteps, branchesOf, chosenSteps } from "#domain/graph";
import { isJsonObject, type Json } from "#domain/json";
import { itemsOf, membersOf, sliceAt, withMembers } from "#domain/json-slices";
import type { BatchPlan, Membership, Plan } from "#domain/plan";
import type { StepRow } from "#domain/step";
import type { Instant } from "#domain/time";
import type { Command } from "../commands.js";
import { completeUnfolded, fail } from "./done.js";
import { applyExpansion, type ExpansionWithInputs, expansionLimitError } from "./expansion.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";

/** What is to be made, or what keeps it from being made. */
type Unfolded = ExpansionWithInputs | string;

/** A decision or a batch has its result: what it asks for is made, and then it is complete. */
export function unfold(
  { output }: Extract<TaskFinalizerMessage, { type: "unfold" }>,
  { task, step, steps, plan }: FinalizerFound,
  at: Instant,
): Command[] {
  if (!task || step?.state !== "enqueued_for_orchestration") return [];
  if (!plan) return fail(step, "the template of this task is no longer known", at);

  const result: Json = output === "" ? null : JSON.parse(output);
  const unfolded =
    step.spec.type === "decision"
      ? decided(plan, step, steps, result)
      : batched(plan, step, steps, result, output);
  const problem = typeof unfolded === "string" ? unfolded : expansionLimitError(steps, unfolded.expansion);
  if (typeof unfolded === "string" || problem !== undefined) {
    return fail(step, `the result of ${step.spec.type} "${step.name}" cannot be followed: ${problem}`, at);
  }
  return [...applyExpansion(task, step, steps, unfolded, at), ...completeUnfolded(task, step, at)];
}

function decided(plan: Plan, { name }: StepRow, steps: readonly StepRow[], result: Json): Unfolded {
  const outcome = outcomeIn(result, "decision_point_outcome");
  if (typeof outcome === "string") return outcome;
  if (outcome.type === "no_branches") return { expansion: chosenSteps(plan, steps, name, []), inputs: NONE };
  if (outcome.type !== "create_steps") return `its type is neither "create_steps" nor "no_branches"`;

  const { step_names: names } = outcome;
  if (!Array.isArray(names) || names.length === 0) return "step_names is no list of names";
  const branches = branchesOf(plan, name);
  const planned = new Map(plan.steps.map((step) => [step.name, step]));
  for (const chosen of names as readonly Json[]) {
    if (typeof chosen !== "string" || !planned.has(chosen)) {
      return `the template has no step ${JSON.stringify(chosen)}`;
    }
    if (!branches.has(chosen)) return `step "${chosen}" does not follow from this decision`;
    if (planned.get(chosen)?.spec.type === "batch_worker")
      return `step "${chosen}" is made by its batch alone`;
    if (steps.some((step) => step.name === chosen)) return `step "${chosen}" is there already`;
  }
  return { expansion: chosenSteps(plan, steps, name, [...new Set(names as string[])]), inputs: NONE };
}

const NONE: ReadonlyMap<string, string> = new Map();

/** @param output the result as text, from which cursors go to their members as they were written */
function batched(
  plan: Plan,
  step: StepRow,
  steps: readonly StepRow[],
  result: Json,
  output: string,
): Unfolded {
  const { batch } = step.spec;
  const worker = plan.steps.find(({ name }) => name === batch?.workerTemplate);
  if (!batch || !worker) return `the template has no worker "${batch?.workerTemplate}"`;
  const outcome = outcomeIn(result, BATCHES);
  if (typeof outcome === "string") return outcome;

  const none = outcome.type === "no_batches";
  if (!none && outcome.type !== "create_batches")
    return `its type is neither "create_batches" nor "no_batches"`;
  const named = outcome.worker_template_name;
  if (!none && named !== undefined && named !== worker.name) {
    return `worker_template_name is ${JSON.stringify(named)}, the template says "${worker.name}"`;
  }
  const cursors = none ? [NO_OP] : outcome.cursor_configs;
  const problem = cursorsProblem(cursors, none ? 1 : outcome.worker_count, batch);
  if (problem !== undefined) return problem;

  const list = cursors as readonly Cursor[];
  const texts = none
    ? [JSON.stringify(NO_OP)]
    : (itemsOf(sliceAt(output, [BATCHES, "cursor_configs"]) ?? "") ?? []);
  const totalItems = sliceAt(output, [BATCHES, "total_items"]) ?? "0";
  const members = list.map(({ batch_id }, index) => ({
    name: `${worker.name}_${batch_id}`,
    member: memberOf(step.name, index, batch),
  }));
  const taken = members.find(({ name }) => steps.some((other) => other.name === name));
  if (taken) return `a step "${taken.name}" is there already`;
  const inputs = members.map(({ name }, i): [string, string] => [
    name,
    `{"batch":${batchInput(texts[i] ?? "{}", batch, totalItems, none)}}`,
  ]);
  return { expansion: batchSteps(plan, steps, step.name, worker, members), inputs: new Map(inputs) };
}

function memberOf(group: string, index: number, { parallelism, failure }: BatchPlan): Membership {
  return { group, index, concurrency: parallelism, failure };
}

type Cursor = { readonly batch_id: string } & Readonly<Record<string, Json>>;

const BATCHES = "batch_processing_outcome";
/** With nothing to do one worker runs all the same, so that what joins the batches does. */
const NO_OP = { batch_id: "000", start_cursor: 0, end_cursor: 0, batch_size: 0 };

function batchInput(
  cursor: string,
  { cursorField, failure }: BatchPlan,
  totalItems: string,
  none: boolean,
): string {
  const given = membersOf(cursor);
  const named = ["batch_id", "start_cursor", "end_cursor", "batch_size"].map(
    (name) => [name, given?.get(name) ?? "null"] as const,
  );
  const parts = [
    ...named,
    ["cursor_field", JSON.stringify(cursorField)],
    ["total_items", totalItems],
    ["failure_strategy", JSON.stringify(failure)],
    ["is_no_op", String(none)],
  ] as const;
  return withMembers("{}", new Map(parts));
}

const BATCH_ID = /^[A-Za-z0-9_.-]{1,64}$/;

function cursorsProblem(
  cursors: Json | undefined,
  count: Json | undefined,
  batch: BatchPlan,
): string | undefined {
  if (!Array.isArray(cursors) || cursors.length === 0) return "cursor_configs is no list of batches";
  if (typeof count === "number" && count !== cursors.length) {
    return `worker_count is ${count}, but cursor_configs has ${cursors.length} batches`;
  }
  const ids = new Set<unknown>();
  for (const cursor of cursors as readonly Json[]) {
    const id = isJsonObject(cursor) ? cursor.batch_id : undefined;
    if (!isJsonObject(cursor) || typeof id !== "string" || !BATCH_ID.test(id)) {
      return `batch_id ${JSON.stringify(id)} is not 1 to 64 letters, digits, "_", "." or "-"`;
    }
    if (ids.has(id)) return `batch_id "${id}" comes twice`;
    ids.add(id);
    if (typeof cursor.batch_size === "number" && cursor.batch_size > batch.batchSize) {
      return `batch "${id}" holds ${cursor.batch_size} items, batch_size allows ${batch.batchSize}`;
    }
  }
  return undefined;
}

function outcomeIn(result: Json, name: string): { readonly [field: string]: Json } | string {
  const outcome = isJsonObject(result) ? result[name] : undefined;
  return isJsonObject(outcome) ? outcome : `it has no object "${name}"`;
}
