import { limits } from "#limits/index";
import { hasEnded, type StepRow } from "../task/step.js";
import type { Expansion } from "./graph.js";
import type { Plan, StepPlan } from "./plan.js";
import { branchesOf, makesSteps, reachOf } from "./reach.js";

/** Why a decision may not choose these steps, as the end of a sentence; undefined if it may. */
export function choiceProblem(plan: Plan, decision: string, chosen: readonly unknown[]): string | undefined {
  const branches = branchesOf(plan, decision);
  const wrong = chosen.find((name) => !branches.includes(name as string));
  if (wrong === undefined) return undefined;

  const isStep = plan.steps.some(({ name }) => name === wrong);
  const why = isStep ? "does not directly follow from this decision" : "is not in the template";
  return `step ${JSON.stringify(wrong)} ${why}; ${listed(branches)}`;
}

function listed(branches: readonly string[]): string {
  if (branches.length === 0) return "it has no branches";
  const named = branches.slice(0, limits.branchesNamed).map((name) => JSON.stringify(name));
  const more = branches.length - named.length;
  return `its branches are ${named.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}

/**
 * Why a branch cannot be made as it was chosen: it depends on another step that the same decision left out, and would
 * run without it. What other decisions leave out is theirs to say, and a convergence runs after what there is.
 */
export function omissionProblem(
  plan: Plan,
  there: readonly StepRow[],
  decision: string,
  { newSteps }: Expansion,
): string | undefined {
  const reach = reachOf(plan, decision);
  const branches = new Set(branchesOf(plan, decision));
  const made = new Set([
    ...there.map(({ spec }) => spec.planned),
    ...newSteps.map(({ planned }) => planned.name),
  ]);
  const open = [
    ...there.filter(({ name, state }) => name !== decision && (!hasEnded(state) || state === "error")),
    ...newSteps.map(({ planned }) => planned),
  ].filter(({ spec }) => makesSteps(spec.type));
  const mayCome = (name: string) => open.some((source) => reachOf(plan, source.name).has(name));

  for (const { planned } of newSteps.filter((step) => isPlainBranch(step.planned, branches))) {
    const left = planned.dependsOn.find((name) => {
      if (made.has(name) || !reach.has(name)) return false;
      return branches.has(name) || !mayCome(name);
    });
    if (left !== undefined)
      return `step "${planned.name}" also depends on "${left}", which is not chosen with it`;
  }
  return undefined;
}

function isPlainBranch({ name, spec }: StepPlan, branches: ReadonlySet<string>): boolean {
  return branches.has(name) && spec.type !== "deferred_convergence";
}
