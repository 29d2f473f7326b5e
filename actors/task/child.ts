import type { MappedInput } from "#domain/graph/mapped-input";
import type { Plan } from "#domain/graph/plan";
import { isObjectText } from "#domain/json/slices";
import { followingTaskSpec } from "#domain/task/spec";
import type { StepRow } from "#domain/task/step";
import type { TaskDraft, TaskRow, TaskSpec } from "#domain/task/task";
import { type TemplateRef, templateKey } from "#domain/template/template";
import { misfitOf } from "#domain/template/verdict";
import { limits } from "#limits/index";
import type { MessageView } from "../view.js";

/** A Task that is to belong to a Step: because its template says so, or because its agent asks for it. */
export interface WantedChild {
  /** The template, as it is named; null if the child is of an agent. */
  readonly template: TemplateRef | null;
  /** The version of it that is meant, where that is known better than by its name. */
  readonly version?: string;
  /**
   * Who makes it. What an operator lets wait in the namespace (`waiting-tasks`) bounds what agents ask for, as it bounds clients: a program
   * decides how many that are. A Step of a template belongs to a Task that has been admitted, with all that its template says: it does not
   * fail for what others of its namespace do, nor for want of the room that its own Task takes while it waits for it.
   */
  readonly by: "template" | "agent";
  /** Its input; asked for only if nothing else is in the way. */
  input(): MappedInput;
  /** What its spec has of its own. */
  spec(plan: Plan | undefined): Partial<TaskSpec>;
}

/** The template of a child as it is looked up: it is of its parent's namespace. Null if that cannot be. */
export function childTemplate(
  { namespace }: Pick<TaskRow, "namespace">,
  { template, version }: Pick<WantedChild, "template" | "version">,
): TemplateRef | null {
  if (!template || isForeign(template, namespace)) return null;
  return { ...template, namespace, version: version ?? template.version };
}

/** What the child is to be, or why there can be none, as a sentence. */
export function childDraft(
  task: TaskRow,
  step: StepRow,
  wanted: WantedChild,
  view: MessageView,
): TaskDraft | string {
  const { id, namespace, spec } = task;
  const { template } = wanted;
  if (template && isForeign(template, namespace)) {
    return `a child is of its parent's namespace "${namespace}", and the template of "${template.namespace}"`;
  }
  if (spec.depth >= limits.taskDepth) {
    return `tasks stand ${spec.depth} deep within one another, which is the most`;
  }
  const full = whyFull(namespace, wanted, view);
  if (full !== undefined) return full;
  const ref = childTemplate(task, wanted);
  const plan = view.plan(ref, spec.environment);
  if (ref && !plan) {
    return `there is no template ${templateKey(ref)} that a task of namespace "${namespace}" may name`;
  }
  const made = wanted.input();
  if ("problem" in made) return made.problem;
  const { text: input } = made;
  if (plan && !isObjectText(input)) return "the input of a template's task must be a JSON object";
  // The text that the child will have: its agents read the numbers in it, and so does the check.
  const problem = plan && view.inputProblem(plan, input);
  if (problem) return misfitOf("the child's input", "input_schema", problem);
  const ofParent = { parent: { taskId: id, stepName: step.name }, depth: spec.depth + 1 };
  const ofPlan = {
    holdOnFailure: plan?.holdOnFailure ?? false,
    template: plan?.template ?? null,
    isCompensable: plan?.isCompensable ?? false,
  };
  return {
    id: view.newTaskId(),
    namespace,
    input,
    ...(plan && { plan }),
    spec: followingTaskSpec(spec, { ...wanted.spec(plan), ...ofPlan, ...ofParent }),
  };
}

function isForeign(template: TemplateRef, namespace: string): boolean {
  return template.namespace !== "" && template.namespace !== namespace;
}

function whyFull(namespace: string, { by }: WantedChild, view: MessageView): string | undefined {
  const waiting = view.waitingIn(namespace);
  const set = by === "agent" ? view.waitingLimit(namespace) : undefined;
  if (set !== undefined && waiting >= set) {
    return `namespace "${namespace}" has ${waiting} waiting tasks, the most that waiting-tasks lets it have: begin fewer at a time`;
  }
  if (waiting >= limits.waitingPerNamespace)
    return `namespace "${namespace}" has as many waiting tasks as it may`;
  return view.waiting >= limits.waitingTotal ? "there are as many waiting tasks as there may be" : undefined;
}
