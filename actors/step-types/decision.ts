import { choiceProblem, omissionProblem } from "#domain/graph/choice";
import { chosenSteps } from "#domain/graph/graph";
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
  if (outcome.type === "no_branches") return { expansion: chosenSteps(plan, steps, []), inputs: NONE };
  if (outcome.type !== "create_steps") return `its type is neither "create_steps" nor "no_branches"`;

  const { step_names: names } = outcome;
  if (!Array.isArray(names) || names.length === 0) return "step_names is no list of names";
  const problem = choiceProblem(plan, name, names as readonly Json[]);
  if (problem !== undefined) return problem;

  // A branch of several decisions exists already if another one has chosen it.
  const expansion = chosenSteps(plan, steps, names as string[]);
  return omissionProblem(plan, steps, name, expansion) ?? { expansion, inputs: NONE };
}

const NONE: ReadonlyMap<string, string> = new Map();
