import type { StepKey, TaskId } from "#domain/id";
import { budgetOwners } from "#domain/task/budget";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { type Instant, later, NEVER } from "#domain/time/time";
import type { Command } from "../commands.js";
import { mappingNeeds } from "../mapped-input.js";
import { budgetNeeds, holdForBudget, usedUp } from "../task/budget.js";
import type { MessageView } from "../view.js";
import type { SchedulerHandler } from "./handler.js";
import type { Placement, Slots } from "./messages.js";
import { dependenciesOf, isByReference } from "./weight.js";

/** Creates the Runs and sends their assignments, once inputs and results are loaded. */
export const assign: SchedulerHandler<"assign"> = {
  /** Inputs and dependency results of the Steps, except inputs that go to the worker by reference. */
  needs({ placements }, view) {
    const inputs: TaskId[] = [];
    const stepInputs: StepKey[] = [];
    const outputs: StepKey[] = [];
    const steps: StepKey[] = [];
    for (const { session, ...key } of placements) {
      const step = view.step(key);
      const task = view.task(key.taskId);
      if (!step || !task) continue;
      steps.push(...budgetNeeds(task));
      const { input: mapping } = step.spec;
      if (mapping) {
        const mapped = mappingNeeds(mapping, key.taskId);
        inputs.push(...mapped.inputs);
        outputs.push(...mapped.outputs);
      } else if (!isByReference(task, view.session(session)?.protocol ?? 0)) inputs.push(key.taskId);
      if (step.hasInput) stepInputs.push(key);
      if (step.dependsOn.length > 0) outputs.push(...dependenciesOf(view, step).inline);
      if (step.spec.compensates) outputs.push(step.spec.compensates);
    }
    return { inputs, stepInputs, outputs, ...(steps.length > 0 && { steps }) };
  },

  decide: ({ placements }, view, { at }) => ({ commands: makeRuns(placements, view, at) }),
};

/** The Run and its Step move together, so that a cancel and an assignment meet on one row. */
function makeRuns(placements: readonly Placement[], view: MessageView, at: Instant): Command[] {
  const { workers } = view.offer;
  const ordinals = new Map(workers.map(({ session, lastOrdinal }) => [session.id, lastOrdinal]));
  return placements.flatMap((placement): Command[] => {
    const step = view.step(placement);
    const task = view.task(placement.taskId);
    const worker = workers.find(({ session }) => session.id === placement.session);
    if (!task || step?.state !== "enqueued" || !worker) return [];

    const why = usedUp(task, view, at);
    if (why !== undefined) return [holdForBudget(step, why, at)];
    const { taskId, stepName, runId } = placement;
    const ordinal = (ordinals.get(worker.session.id) ?? 0) + 1;
    ordinals.set(worker.session.id, ordinal);
    return [
      { type: "advanceStep", params: { taskId, stepName, message: { type: "start", at, runId } } },
      {
        type: "createRun",
        params: { run: timed(runOf(placement, task, step, worker, ordinal, at), task, view) },
      },
      { type: "advanceRun", params: { runId, message: { type: "assign", at } } },
      ...attemptDeadline(step, at),
    ];
  });
}

/** Its held time counts against the budgets that bound that. */
function timed(run: RunRow, task: TaskRow, view: MessageView): RunRow {
  if (task.spec.budget === undefined && task.spec.budgetsAbove === undefined) return run;
  const timedFor = budgetOwners(task).filter((id) => (view.task(id)?.spec.budget?.wallMs ?? 0) > 0);
  return timedFor.length > 0 ? { ...run, timedFor } : run;
}

/** An attempt may take only so long. */
function attemptDeadline({ taskId, name: stepName, spec }: StepRow, at: Instant): Command[] {
  if (spec.timeoutMs === 0) return [];
  const due = later(at, spec.timeoutMs);
  return [{ type: "setDeadline", params: { taskId, stepName, kind: "attempt", at: due } }];
}

function runOf(
  { runId: id }: Placement,
  task: TaskRow,
  step: StepRow,
  { session }: Slots,
  ordinal: number,
  at: Instant,
): RunRow {
  return {
    id,
    taskId: task.id,
    stepName: step.name,
    namespace: task.namespace,
    revision: 0,
    status: "PENDING",
    heldBy: "",
    session: session.id,
    principal: session.principal,
    workerId: session.info.workerId,
    instance: session.instance,
    agentName: step.agentName,
    fence: step.fence + 1,
    attempt: step.attempts + 1,
    ordinal,
    createdAt: at,
    startedAt: NEVER,
    finishedAt: NEVER,
    reason: "",
    errorMessage: "",
    errorDetail: "",
    backend: null,
    nextSeq: 0,
    outputBytes: 0,
  };
}
