import { givenTo, resultOf } from "#actors/task-finalizer/child";
import type { FinalizerFound, TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import { takerOf } from "#actors/task-finalizer/outside";
import { mayUse } from "#domain/caller";
import { sinksOf } from "#domain/graph";
import { type StepKey, stepKey, type TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import { readPath } from "#domain/path";
import type { Plan } from "#domain/plan";
import { isOver } from "#domain/run";
import type { StepRow } from "#domain/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task";
import type { TemplateRef } from "#domain/template";
import type { SchemaProblem } from "#domain/verdict";
import type { Needs } from "#ports/store";
import { planFor, plannedStep } from "./plans.js";
import type { TurnContext } from "./turn-context.js";
import type { Workspace } from "./workspace.js";

/** What the finalizer wants to see for each kind of message. */
export function finalizerNeeds(message: TaskFinalizerMessage, context: TurnContext): Needs {
  const { work } = context;
  const { taskId } = message;
  const task = work.task(taskId);
  const step = "stepName" in message ? work.step(message) : undefined;
  switch (message.type) {
    case "run.ended": {
      const own = message.end.how === "yielded" && step?.hasInput;
      return { steps: [message], ...(own && { stepInputs: [message] }) };
    }
    case "run.released":
      return { wholeTasks: [taskId, ...(task?.compensatedBy ? [task.compensatedBy] : [])] };
    case "step.settled":
      return { steps: [message, ...affected(message, work)] };
    case "unfold":
      return { graphs: [taskId], ...planNeeds(message.template, task, context) };
    case "map.open":
      return { steps: [message], ...dataNeeds(step?.spec.map?.over, taskId) };
    case "map.collect": {
      const members = keys(taskId, step?.members ?? []);
      return { steps: [message, ...members], outputs: fits(members, work) ? members : [] };
    }
    case "child.start": {
      const child = step?.spec.child;
      return {
        steps: [message],
        wholeTasks: step && step.childId !== "" ? [step.childId] : [],
        ...planNeeds(childTemplate(step, task, work), task, context),
        ...(child && dataNeeds(child.input || "input", taskId)),
      };
    }
    case "child.ended": {
      const sinks = keys(message.childId, sinksOf(work.stepsOf(message.childId)).map(nameOf));
      return {
        steps: [message],
        graphs: [message.childId],
        outputs: fits(sinks, work) ? sinks : [],
        ...(step?.spec.hasSchema && planNeeds(task?.spec.template ?? null, task, context)),
      };
    }
    case "signal.taken":
      return { steps: [message] };
    case "signal":
      return {
        graphs: [taskId],
        outputs: keys(taskId, signalSteps(message.signal, taskId, work).map(nameOf)),
        ...planNeeds(task?.spec.template ?? null, task, context),
      };
    case "resolve":
      return {
        graphs: [taskId],
        wholeTasks: [taskId],
        ...planNeeds(task?.spec.template ?? null, task, context),
      };
    case "cancel":
      return { wholeTasks: [taskId] };
    case "task.ended":
      return { wholeTasks: [taskId], ...(task?.spec.undoes && { graphs: [taskId], inputs: [taskId] }) };
    case "abort":
      return { wholeTasks: [taskId] };
    case "deadline.passed":
      if (message.stepName === "") return { wholeTasks: [taskId] };
      return { steps: [message], runs: step && step.runId !== "" ? [step.runId] : [] };
  }
}

/** The rows and texts the message is decided by. */
export function foundForFinalizer(message: TaskFinalizerMessage, context: TurnContext): FinalizerFound {
  const { work } = context;
  const { taskId } = message;
  const task = work.task(taskId);
  const step = "stepName" in message ? work.step(message) : undefined;
  const base = { task, step, outputs: NO_TEXTS, runs: [], steps: [] };
  switch (message.type) {
    case "run.ended": {
      const stepInput = work.stepInputs.get(stepKey(message));
      return stepInput === undefined ? base : { ...base, stepInput };
    }
    case "run.released":
      return { ...base, runs: work.runsOf(taskId), ...compensationOf(task, work) };
    case "step.settled":
      return { ...base, steps: rowsAt(affected(message, work), work) };
    case "unfold":
      return { ...base, steps: work.stepsOf(taskId), ...planFound(message.template, task, context) };
    case "map.open":
      return { ...base, ...dataFound(taskId, step?.spec.map?.over, work) };
    case "map.collect": {
      const members = keys(taskId, step?.members ?? []);
      return { ...base, steps: rowsAt(members, work), outputs: textsAt(members, work) };
    }
    case "child.start":
      return { ...base, ...childToBe(task, step, context) };
    case "child.ended":
      return { ...base, ...childEnded(message.childId, task, step, context) };
    case "signal.taken":
      return base;
    case "signal": {
      const steps = work.stepsOf(taskId);
      const waiting = signalSteps(message.signal, taskId, work);
      const problem = payloadProblem(message, waiting, task, context);
      const outputs = textsAt(keys(taskId, waiting.map(nameOf)), work);
      return { ...base, steps, outputs, ...(problem !== undefined && { schemaProblem: problem }) };
    }
    case "resolve": {
      const { action } = message;
      const open = task && mayUse(message.caller, task.namespace) && !isTerminal(task.state);
      const output = open && action.type === "complete" ? action.output : undefined;
      const { plan } = planFound(task?.spec.template ?? null, task, context);
      const problem = step && output !== undefined && schemaProblem(step, output, plan, context);
      const found = { ...base, steps: work.stepsOf(taskId), runs: work.liveRuns(taskId) };
      return problem ? { ...found, schemaProblem: problem } : found;
    }
    case "task.ended": {
      if (!task?.spec.undoes) return { ...base, steps: work.liveSteps(taskId), runs: work.liveRuns(taskId) };
      const input = work.inputs.get(taskId) ?? "{}";
      const runs = work.runsOf(taskId).filter(({ status, heldBy }) => !isOver(status) || heldBy !== "");
      return { ...base, steps: work.stepsOf(taskId), runs, input, newTaskId: context.newTaskId() };
    }
    case "cancel":
      return base;
    case "abort":
      return { ...base, runs: work.liveRuns(taskId) };
    case "deadline.passed":
      return { ...base, steps: work.liveSteps(taskId), runs: work.liveRuns(taskId) };
  }
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();

function nameOf({ name }: StepRow): string {
  return name;
}

function keys(taskId: TaskId, names: readonly string[]): StepKey[] {
  return names.map((stepName) => ({ taskId, stepName }));
}

function rowsAt(wanted: readonly StepKey[], work: Workspace): StepRow[] {
  return wanted.flatMap((key) => work.step(key) ?? []);
}

function textsAt(wanted: readonly StepKey[], work: Workspace): Map<string, string> {
  return new Map(
    wanted.flatMap((key): [string, string][] => {
      const text = work.outputs.get(stepKey(key));
      return text === undefined ? [] : [[key.stepName, text]];
    }),
  );
}

/** True if the results together can be one result. */
function fits(steps: readonly StepKey[], work: Workspace): boolean {
  return rowsAt(steps, work).reduce((sum, { outputBytes }) => sum + outputBytes, 0) <= limits.resultBytes;
}

/** The Steps that a settled one concerns: those that depend on it, what made it, and that one's next member. */
function affected(key: StepKey, work: Workspace): StepKey[] {
  const step = work.step(key);
  const task = work.task(key.taskId);
  if (!step || !task) return [];
  const group = step.spec.member?.group;
  const maker = group ? work.step({ taskId: key.taskId, stepName: group }) : undefined;
  const next = maker?.members[task.opened[maker.name] ?? 0];
  return keys(key.taskId, [...step.dependants, ...(group ? [group] : []), ...(next ? [next] : [])]);
}

function planNeeds(ref: TemplateRef | null, task: TaskRow | undefined, { plans }: TurnContext): Needs {
  if (!ref || !task) return {};
  const known = ref.version !== "" && plans.get(ref, task.spec.environment);
  return known ? {} : { templates: [ref] };
}

function planFound(
  ref: TemplateRef | null,
  task: TaskRow | undefined,
  context: TurnContext,
): { plan?: Plan } {
  const plan = task && planFor(ref, task.spec.environment, context.work, context.plans);
  return plan ? { plan } : {};
}

function dataNeeds(path: string | undefined, taskId: TaskId): Needs {
  const place = path === undefined ? undefined : readPath(path);
  if (!place) return {};
  return place.stepName === ""
    ? { inputs: [taskId] }
    : { inputs: [taskId], outputs: [{ taskId, stepName: place.stepName }] };
}

function dataFound(taskId: TaskId, path: string | undefined, work: Workspace) {
  const stepName = path === undefined ? "" : (readPath(path)?.stepName ?? "");
  const outputs = stepName === "" ? NO_TEXTS : textsAt([{ taskId, stepName }], work);
  return { input: work.inputs.get(taskId) ?? "{}", outputs };
}

/** A child is of its parent's namespace, and tried again it is of the version it was of before. */
function childTemplate(
  step: StepRow | undefined,
  task: TaskRow | undefined,
  work: Workspace,
): TemplateRef | null {
  const ref = step?.spec.child?.template;
  if (!ref || !task || (ref.namespace !== "" && ref.namespace !== task.namespace)) return null;
  const before = step.childId === "" ? undefined : work.task(step.childId)?.spec.template;
  return { ...ref, namespace: task.namespace, version: before?.version ?? ref.version };
}

function childToBe(task: TaskRow | undefined, step: StepRow | undefined, context: TurnContext) {
  const { work, verdicts } = context;
  if (!task || !step?.spec.child) return {};
  const { input: path } = step.spec.child;
  const { plan } = planFound(childTemplate(step, task, work), task, context);
  const data = dataFound(task.id, path || "input", work);
  const checks = step.state === "pending" ? plan?.inputSchema : undefined;
  // The text that the child will have: its agents read the numbers in it, and so does the check.
  const given = checks ? givenTo(path, data.input, data.outputs) : undefined;
  const problem = checks && given !== undefined ? verdicts.problem(checks, given) : undefined;
  return {
    ...data,
    ...(plan && { plan }),
    ...(problem !== undefined && { schemaProblem: problem }),
    noRoom: isFull(task.namespace, context),
    newTaskId: context.newTaskId(),
  };
}

function isFull(namespace: string, { memory }: TurnContext): boolean {
  return memory.waitingIn(namespace) >= limits.waitingPerNamespace || memory.waiting >= limits.waitingTotal;
}

function childEnded(
  childId: TaskId,
  parent: TaskRow | undefined,
  step: StepRow | undefined,
  context: TurnContext,
): Pick<FinalizerFound, "child" | "schemaProblem"> {
  const { work } = context;
  const task = work.task(childId);
  if (!task) return {};
  const steps = work.stepsOf(childId);
  const child = { task, steps, outputs: textsAt(keys(childId, sinksOf(steps).map(nameOf)), work) };
  const counts = step?.state === "in_progress" && step.childId === childId;
  const checks = counts && step.spec.hasSchema && taskStatus(task) === "COMPLETED";
  const result = checks ? resultOf(child) : undefined;
  const { plan } = planFound(parent?.spec.template ?? null, parent, context);
  const problem = step && result !== undefined ? schemaProblem(step, result, plan, context) : undefined;
  return problem === undefined ? { child } : { child, schemaProblem: problem };
}

function compensationOf(task: TaskRow | undefined, work: Workspace): Pick<FinalizerFound, "compensation"> {
  const compensation = task?.compensatedBy ? work.task(task.compensatedBy) : undefined;
  return compensation ? { compensation: { task: compensation, steps: work.stepsOf(compensation.id) } } : {};
}

function signalSteps(signal: string, taskId: TaskId, work: Workspace): StepRow[] {
  return work.stepsOf(taskId).filter(({ spec }) => spec.signal?.name === signal);
}

function payloadProblem(
  { caller, payload }: Extract<TaskFinalizerMessage, { type: "signal" }>,
  waiting: readonly StepRow[],
  task: TaskRow | undefined,
  context: TurnContext,
): SchemaProblem | undefined {
  if (!task || isTerminal(task.state) || !mayUse(caller, task.namespace)) return undefined;
  const step = takerOf(waiting);
  const { plan } = planFound(task.spec.template, task, context);
  return step && schemaProblem(step, payload, plan, context);
}

/** What is wrong with a result of the Step, by the schema its template has for it. */
function schemaProblem(
  step: StepRow,
  json: string,
  plan: Plan | undefined,
  { verdicts }: TurnContext,
): SchemaProblem | undefined {
  const schema = plan && plannedStep(plan, step.spec.planned)?.resultSchema;
  return schema ? verdicts.problem(schema, json || "null") : undefined;
}
