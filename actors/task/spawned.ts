import { isObjectText } from "#domain/json/slices";
import { WHOLE_TASK } from "#domain/task/deadline";
import type { ChildRequest } from "#domain/task/journal";
import { followingTaskSpec } from "#domain/task/spec";
import type { StepRow } from "#domain/task/step";
import type { TaskDraft, TaskRow } from "#domain/task/task";
import { type TemplateRef, templateKey } from "#domain/template/template";
import { misfitOf } from "#domain/template/verdict";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import type { MessageView } from "../view.js";
import { rowsOfDraft } from "./make.js";
import { createTask } from "./start.js";

/** A Task that the agent of a Step has asked for: it belongs to the Step, and ends with it. */
export interface SpawnedTask {
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  readonly input: string;
}

/** The template of a child; null if it names an agent. A child is of its parent's namespace, whatever it says. */
export function templateOfChild({ template }: ChildRequest, { namespace }: TaskRow): TemplateRef | null {
  return template && { ...template, namespace };
}

/** The rows of the child, or why there can be none, as a sentence. */
export function spawnedTask(
  task: TaskRow,
  step: StepRow,
  request: ChildRequest,
  view: MessageView,
  at: Instant,
): SpawnedTask | string {
  const { namespace } = task;
  const { template, input } = request;
  if (template && template.namespace !== "" && template.namespace !== namespace) {
    return `a child is of its parent's namespace "${namespace}", and the template of "${template.namespace}"`;
  }
  if (task.spec.depth >= limits.taskDepth) {
    return `tasks stand ${task.spec.depth} deep within one another, which is the most`;
  }
  if (isFull(namespace, view)) return `namespace "${namespace}" has as many waiting tasks as it may`;
  const ref = templateOfChild(request, task);
  const plan = view.plan(ref, task.spec.environment);
  if (ref && !plan) {
    return `there is no template ${templateKey(ref)} that a task of namespace "${namespace}" may name`;
  }
  if (plan && !isObjectText(input)) return "the input of a template's task must be a JSON object";
  const problem = plan && view.inputProblem(plan, input);
  if (problem) return misfitOf("the child's input", "input_schema", problem);
  const draft: TaskDraft = {
    id: view.newTaskId(),
    namespace,
    input,
    ...(plan && { plan }),
    spec: specOf(task, step, request, plan, view),
  };
  return { ...rowsOfDraft(draft, view, at), input };
}

/** Creates it. It is started in a turn of its own: one commit must not make all that children may have. */
export function createSpawned({ task, steps, input }: SpawnedTask, at: Instant): Command[] {
  const start = { taskId: task.id, stepName: WHOLE_TASK, kind: "start", at } as const;
  return [...createTask(task, steps, input, at, false), { type: "setDeadline", params: start }];
}

function isFull(namespace: string, view: MessageView): boolean {
  const most = view.waitingLimit(namespace) ?? limits.waitingPerNamespace;
  return view.waitingIn(namespace) >= most || view.waiting >= limits.waitingTotal;
}

function specOf(
  { id, namespace, spec }: TaskRow,
  step: StepRow,
  { agentName, labels, timeoutMs, maxAttempts, workerSelector }: ChildRequest,
  plan: Parameters<MessageView["inputProblem"]>[0] | undefined,
  view: MessageView,
) {
  const announced = plan ? undefined : view.announcementOf(namespace, agentName);
  return followingTaskSpec(spec, {
    agentName,
    labels,
    timeoutMs: timeoutMs > 0 ? timeoutMs : (plan?.timeoutMs ?? timeoutMs),
    maxAttempts: maxAttempts || (plan ? 0 : (announced?.retry.attempts ?? 1)),
    maxLosses: null,
    workerSelector: Object.keys(workerSelector).length > 0 ? workerSelector : spec.workerSelector,
    holdOnFailure: plan?.holdOnFailure ?? false,
    template: plan?.template ?? null,
    parent: { taskId: id, stepName: step.name },
    depth: spec.depth + 1,
    isCompensable: plan?.isCompensable ?? false,
  });
}
