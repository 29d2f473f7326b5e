import { branchesOf, chosenSteps } from "#domain/graph/graph";
import type { Plan } from "#domain/graph/plan";
import type { Json } from "#domain/json/json";
import type { StepRow } from "#domain/task/step";
import type { ExpansionWithInputs, StepBehavior } from "./behavior.js";
import { acceptExpansion, outcomeIn } from "./outcome.js";
import { workerStep } from "./worker.js";

/** A Step whose agent chooses which of the Steps that follow from it are made. */
export const decisionStep: StepBehavior = {
  ...workerStep,
  accept: acceptExpansion,
  expand: chosenBy,
  resultRefused: "makes steps of its result",
};

function chosenBy(
  plan: Plan,
  { name }: StepRow,
  steps: readonly StepRow[],
  output: string,
): ExpansionWithInputs | string {
  const outcome = outcomeIn(output, "decision_point_outcome");
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
