import { batchSteps } from "#domain/graph/graph";
import type { BatchPlan, Membership, Plan } from "#domain/graph/plan";
import { isJsonObject, type Json } from "#domain/json/json";
import { itemsOf, membersOf, sliceAt, withMembers } from "#domain/json/slices";
import type { StepRow } from "#domain/task/step";
import type { ExpansionWithInputs, StepBehavior } from "./behavior.js";
import { acceptExpansion, outcomeIn } from "./outcome.js";
import { workerStep } from "./worker.js";

/** A Step whose agent says into which batches the work is cut; each becomes a member. */
export const batchStep: StepBehavior = {
  ...workerStep,
  accept: acceptExpansion,
  expand: batchesOf,
  resultRefused: "makes steps of its result",
};

/** Cursors go to their members as they are written in the result: nothing of a large number is lost. */
function batchesOf(
  plan: Plan,
  step: StepRow,
  steps: readonly StepRow[],
  output: string,
): ExpansionWithInputs | string {
  const outcome = outcomeIn(output, BATCHES);
  if (typeof outcome === "string") return outcome;

  const none = outcome.type === "no_batches";
  if (!none && outcome.type !== "create_batches")
    return `its type is neither "create_batches" nor "no_batches"`;
  const batch = batchNamed(step, outcome.worker_template_name, none);
  if (typeof batch === "string") return batch;
  const worker = plan.steps.find(({ name }) => name === batch.workerTemplate);
  if (!worker) return `the template has no worker "${batch.workerTemplate}"`;
  if (steps.some(({ spec }) => spec.planned === worker.name)) {
    return `"${worker.name}" does the batches of another step already`;
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

/**
 * How the batches are done: by the worker that the result names; if it names none, by the one that the `initialization`
 * does, or by the only one there is.
 */
function batchNamed({ spec }: StepRow, named: Json | undefined, none: boolean): BatchPlan | string {
  if (!spec.batch || spec.batch.workerTemplate === "") return "the template has no worker for its batches";
  const all = [spec.batch, ...(spec.batch.others ?? [])];
  const workers = all.map(({ workerTemplate }) => `"${workerTemplate}"`).join(", ");
  if (named === undefined || named === null || none) {
    const isNamed = spec.config?.worker_template_name === spec.batch.workerTemplate;
    if (none || isNamed || all.length === 1) return spec.batch;
    return `worker_template_name is missing; the template has the workers ${workers}`;
  }
  const found = all.find(({ workerTemplate }) => workerTemplate === named);
  return found ?? `worker_template_name is ${JSON.stringify(named)}, the template says ${workers}`;
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
    if (batch.batchSize > 0 && typeof cursor.batch_size === "number" && cursor.batch_size > batch.batchSize) {
      return `batch "${id}" holds ${cursor.batch_size} items, batch_size allows ${batch.batchSize}`;
    }
  }
  return undefined;
}
