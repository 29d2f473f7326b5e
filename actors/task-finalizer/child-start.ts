import type { MappedInput } from "#domain/graph/mapped-input";
import type { ChildPlan, Plan } from "#domain/graph/plan";
import type { StepKey, TaskId } from "#domain/id";
import { detached } from "#domain/json/slices";
import type { Needs } from "#domain/needs";
import { WHOLE_TASK } from "#domain/task/deadline";
import { maxLossesOf } from "#domain/task/losses";
import type { StepRow } from "#domain/task/step";
import { canBeCompensated, type TaskRow, type TaskSpec } from "#domain/task/task";
import { type Instant, millis } from "#domain/time/time";
import type { Command } from "../commands.js";
import { dataAt, dataNeeds, inputOf } from "../data.js";
import { planNeeds } from "../handler.js";
import { advanceStep, keyOf } from "../make-command.js";
import { mappedInputOf, mappingNeeds } from "../mapped-input.js";
import { failForGood } from "../step/outcomes.js";
import { childDraft, childTemplate, type WantedChild } from "../task/child.js";
import { compensationOf, createCompensation } from "../task/compensation.js";
import { childrenNeeds } from "../task/compensation-steps.js";
import { newTask, rowsOfDraft } from "../task/make.js";
import { taskAlone } from "../task/quiescence.js";
import { segmentTask } from "../task/segments.js";
import { createTask } from "../task/start.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** A Step that is a Task of its own begins: the Task is made, and the Step waits for it. */
export const childStart: FinalizerHandler<"child.start"> = {
  needs(message, view) {
    const { taskId } = message;
    const task = view.task(taskId);
    const step = view.step(message);
    const { child, segment, member } = step?.spec ?? {};
    const wanted = task && wantedBy(step, task, view);
    const map = segment && member ? [{ taskId, stepName: member.group }] : [];
    const before = predecessorNeeds(step?.childId ?? "", view);
    const mapping = step?.spec.input;
    const data =
      child && (mapping ? mappingNeeds(mapping, taskId) : dataNeeds(child.input || "input", taskId));
    return {
      ...before,
      ...data,
      ...planNeeds(task && wanted ? childTemplate(task, wanted) : null, task, view),
      steps: [message, ...map, ...predecessorSteps(step?.childId ?? "", view), ...aboveNeeds(task, view)],
      inputs: [...(before.inputs ?? []), ...(data?.inputs ?? []), ...(segment ? [taskId] : [])],
      stepInputs: segment ? [message] : [],
    };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "pending") return [];
    const before = step.childId === "" ? undefined : view.task(step.childId);
    const compensation = before && compensatePredecessor(before, step, view, at);
    if (compensation) return compensation;

    const child = step.spec.segment ? segmentOf(task, step, view, at) : childOf(task, step, view, at);
    const isNone = typeof child === "string";
    const begin = advanceStep(step, { type: "begin", at, childId: isNone ? "" : child.task.id });
    if (isNone) return [begin, ...failForGood(step, child, at)];
    // In a turn of its own: children may have children, and one commit must not make them all.
    const start = { taskId: child.task.id, stepName: WHOLE_TASK, kind: "start", at } as const;
    return [
      begin,
      ...(child.task.spec.isCompensable ? noteAbove(task, view) : []),
      ...createTask(child.task, child.steps, child.input, at, false),
      ...child.stepInputs,
      { type: "setDeadline", params: start },
    ];
  },
};

/** A child to be made. */
interface Child {
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  readonly input: string;
  readonly stepInputs: readonly Command[];
}

/** The child that a step of a template asks for, or why there can be none. */
function childOf(task: TaskRow, step: StepRow, view: MessageView, at: Instant): Child | string {
  const wanted = wantedBy(step, task, view);
  if (!wanted) return "the step has no child to begin";
  const draft = childDraft(task, step, wanted, view);
  if (typeof draft === "string") return draft;
  return { ...rowsOfDraft(draft, view, at), input: draft.input, stepInputs: [] };
}

/** The child that does a part of a map's list. It counts neither as a Task more that waits nor as one more within another. */
function segmentOf(task: TaskRow, step: StepRow, view: MessageView, at: Instant): Child | string {
  const map = view.step({ taskId: task.id, stepName: step.spec.member?.group ?? "" });
  const items = view.stepInput(keyOf(step));
  if (!map || items === undefined) return "the map that it is a part of is no longer known";
  const { draft, step: own } = segmentTask(task, step, map, inputOf(task.id, view), view);
  const stepInputs: Command[] = [{ type: "keepInput", params: { ...keyOf(own), json: items } }];
  return { task: newTask(draft, 1, at), steps: [own], input: draft.input, stepInputs };
}

/**
 * What has to happen before a child is made anew: the former one is compensated, also if it completed and only its result
 * was not accepted. Undefined if nothing has to.
 */
function compensatePredecessor(
  before: TaskRow,
  step: StepRow,
  view: MessageView,
  at: Instant,
): Command[] | undefined {
  if (before.compensatedBy !== "") return liveTask(view, before.compensatedBy) ? [] : undefined;
  if (before.state !== "complete" || !canBeCompensated(before) || step.spec.compensation) return undefined;
  const made = compensationOf(before, step.errorMessage, view, at);
  return made && createCompensation(before, made, view, at);
}

/** Its graph, if it may have to be compensated now. */
function predecessorNeeds(childId: TaskId | "", view: MessageView): Needs {
  const before = childId === "" ? undefined : view.task(childId);
  if (before?.state !== "complete" || before.compensatedBy !== "" || !canBeCompensated(before)) return {};
  return { wholeTasks: [before.id], graphs: [before.id], inputs: [before.id] };
}

function predecessorSteps(childId: TaskId | "", view: MessageView): StepKey[] {
  if (childId === "") return [];
  const compensatedBy = view.task(childId)?.compensatedBy;
  return [
    taskAlone(childId),
    ...(compensatedBy ? [taskAlone(compensatedBy)] : []),
    ...childrenNeeds(childId, view),
  ];
}

/** The Tasks above a child are told once that one below them can be compensated. */
function noteAbove(task: TaskRow, view: MessageView): Command[] {
  if (task.compensableBelow) return [];
  const above = task.spec.parent && view.task(task.spec.parent.taskId);
  return [
    { type: "noteCompensableBelow", params: { taskId: task.id } },
    ...(above ? noteAbove(above, view) : []),
  ];
}

function aboveNeeds(task: TaskRow | undefined, view: MessageView): StepKey[] {
  if (!task?.spec.parent || task.compensableBelow) return [];
  const { taskId } = task.spec.parent;
  return [taskAlone(taskId), ...aboveNeeds(view.task(taskId), view)];
}

/** What the Step of a template wants; undefined if that says nothing of a child. */
function wantedBy(step: StepRow | undefined, task: TaskRow, view: MessageView): WantedChild | undefined {
  const { child } = step?.spec ?? {};
  if (!step || !child) return undefined;
  // Tried again it is of the version it was of before.
  const isRetry = step.attempts > 0 && step.childId !== "";
  const before = isRetry ? view.task(step.childId as TaskId)?.spec.template : undefined;
  return {
    template: child.template,
    ...(before && { version: before.version }),
    by: "template",
    input: () => inputFor(step, child, task, view),
    spec: (plan) => specOf(step, child.agentName, plan),
  };
}

/** The child's input as JSON text; the whole of its parent's goes as it is. */
function inputFor(step: StepRow, child: ChildPlan, { id }: TaskRow, view: MessageView): MappedInput {
  const { input: mapping } = step.spec;
  if (mapping) return mappedInputOf(step, mapping, view);
  const { input: path } = child;
  if (path === "") return { text: inputOf(id, view) };
  const data = dataAt(path, id, view);
  return data === undefined
    ? { problem: `child.input "${path}" leads to nothing` }
    : { text: detached(data) };
}

/** A Task of an agent is tried once: it is its parent's Step that is tried again. It may lose what that one may. */
function specOf(step: StepRow, agentName: string, plan: Plan | undefined): Partial<TaskSpec> {
  return {
    agentName,
    timeoutMs: plan?.timeoutMs ?? millis(0),
    maxAttempts: plan ? 0 : 1,
    maxLosses: plan ? null : maxLossesOf(step),
  };
}
