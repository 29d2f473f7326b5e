import type { TemplateStep } from "#domain/template/template";
import { checkBatches } from "./batches.js";
import type { Subject } from "./subject.js";

/** Checks what decisions, convergences, batches and child Tasks require of the steps around them. */
export function checkTypes(subject: Subject): void {
  checkBatches(subject);
  for (const step of subject.steps) {
    switch (step.type ?? "standard") {
      case "decision":
        checkDecision(step, subject);
        break;
      case "deferred_convergence":
        checkConvergence(step, subject);
        break;
      case "child_task":
        checkChild(step, subject);
        break;
      default:
    }
    checkJoined(step, subject);
  }
}

function checkDecision(step: TemplateStep, { dependants, say }: Subject): void {
  const { name, dependencies = [] } = step;
  if (dependencies.length === 0) {
    say(
      "DECISION_WITHOUT_DEPENDENCY",
      `${name} decides, and depends on no step: name what it decides upon`,
      step,
    );
  }
  if (!dependants.has(name)) {
    const message = `${name} decides, and no step depends on it: let its branches depend on it`;
    say("DECISION_WITHOUT_BRANCHES", message, step);
  }
}

function checkConvergence(step: TemplateStep, { say }: Subject): void {
  const { name, dependencies = [] } = step;
  if (dependencies.length > 0) return;
  say("CONVERGENCE_WITHOUT_DEPENDENCY", `${name} converges: let it depend on the steps it joins`, step);
}

function checkChild(step: TemplateStep, { say, has }: Subject): void {
  const { name, child } = step;
  if (!child || has(child, "agent") !== has(child, "template")) return;
  const message = `${name} is a Task of its own: name either an agent or a template, not ${has(child, "agent") ? "both" : "neither"}`;
  say("BAD_CHILD", message, step, "child");
}

/** Warns of a step that depends on several branches of one decision: it runs only if all of them are chosen. */
function checkJoined(step: TemplateStep, { byName, say }: Subject): void {
  const { name, type, dependencies = [] } = step;
  if (type === "deferred_convergence") return;

  const branches = new Map<string, string>();
  for (const branch of new Set(dependencies)) {
    for (const source of byName.get(branch)?.dependencies ?? []) {
      if (byName.get(source)?.type !== "decision") continue;
      const other = branches.get(source);
      branches.set(source, branch);
      if (other === undefined || other === branch || dependencies.includes(source)) continue;
      const message = `${name} runs only if ${source} chooses both ${other} and ${branch}: make it a deferred_convergence if either will do`;
      say("BRANCHES_JOINED", message, step, "dependencies", branch);
      return;
    }
  }
}
