import { firstSteps, type NewStep } from "#domain/graph/graph";
import type { StepPlan, StepSpec } from "#domain/graph/plan";
import { attemptsOf, decidedBy } from "#domain/graph/tries";
import { MAIN_STEP } from "#domain/id";
import { lossesAsked } from "#domain/task/losses";
import { DEFAULT_RETRY } from "#domain/task/retry";
import { newStep, type StepRow } from "#domain/task/step";
import type { TaskDraft, TaskRow, TaskSpec } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import { type Instant, millis, NEVER } from "#domain/time/time";
import { type Announcement, retryPolicyOf } from "#domain/worker/agent";
import { limits } from "#limits/index";
import type { MessageView } from "../view.js";

/** Where the announcements of agents are found: the defaults of what a request and a template leave open. */
type Announcements = Pick<MessageView, "announcementOf">;

/** The rows of a new Task: one Step if it names an agent, otherwise all its template begins with. */
export function rowsOfDraft(
  draft: TaskDraft,
  view: Announcements,
  at: Instant,
): { task: TaskRow; steps: StepRow[] } {
  const { plan } = draft;
  const newSteps = plan && firstSteps(plan);
  const steps = newSteps ? rowsOfNewSteps(draft, newSteps, view, NOTHING_SATISFIED) : [mainStep(draft, view)];
  return { task: newTask(draft, steps.length, at), steps };
}

export function newTask({ id, namespace, spec, input }: TaskDraft, steps: number, at: Instant): TaskRow {
  return {
    id,
    namespace,
    revision: 0,
    state: "pending",
    spec,
    counts: steps === 0 ? {} : { pending: steps },
    hasRun: false,
    createdAt: at,
    finishedAt: NEVER,
    reason: "",
    errorMessage: "",
    tolerated: 0,
    isolated: 0,
    opened: {},
    ownsKey: spec.idempotencyKey !== "",
    compensatedBy: "",
    compensableBelow: false,
    hasDeadLetter: false,
    inputBytes: utf8Bytes(input),
  };
}

/** The Task of new Steps. What its request says for every Step: 0 attempts, and no number of losses, leave it open. */
type OfTask = Pick<TaskDraft, "id" | "namespace" | "spec">;

/** What the only Step of a Task does that names an agent. How often it is tried is in the Task's own spec. */
function agentSpec({ maxAttempts, maxLosses }: TaskSpec, announced: Announcement | undefined): StepSpec {
  return {
    type: "standard",
    planned: MAIN_STEP,
    config: null,
    retry: announced ? retryPolicyOf(announced.retry) : DEFAULT_RETRY,
    maxAttempts,
    maxLosses: maxLosses ?? limits.defaultLosses,
    timeoutMs: announced?.timeoutMs ?? millis(0),
  };
}

function mainStep({ id: taskId, namespace, spec }: OfTask, view: Announcements): StepRow {
  const { agentName } = spec;
  const announced = view.announcementOf(namespace, agentName);
  return newStep({ taskId, name: MAIN_STEP, agentName, spec: agentSpec(spec, announced) });
}

/** What a step of a template does, with what the template leaves open decided by the agent. */
function plannedSpec(
  { agentName, spec, open, openCompensation }: StepPlan,
  namespace: string,
  view: Announcements,
): StepSpec {
  if (!open && !openCompensation) return spec;
  const announcedBy = (name: string) => (name === "" ? undefined : view.announcementOf(namespace, name));
  const { child, compensation } = spec;
  const own =
    agentName === "" && child ? withoutTimeout(announcedBy(child.agentName)) : announcedBy(agentName);
  const decided = decidedBy(spec, open, own);
  if (!compensation) return decided;
  const ofAgent = decidedBy(compensation, openCompensation, announcedBy(compensation.agentName));
  return ofAgent === compensation ? decided : { ...decided, compensation: ofAgent };
}

/** Of a child Task, which waits for a worker like any other, the timeout of its agent bounds the Run only. */
function withoutTimeout(announced: Announcement | undefined): Announcement | undefined {
  return announced && { ...announced, timeoutMs: millis(0) };
}

const NOTHING_SATISFIED: ReadonlySet<string> = new Set();

/** @param satisfied Steps that are there already and need not be waited for */
export function rowsOfNewSteps(
  { id: taskId, namespace, spec: { maxAttempts, maxLosses } }: OfTask,
  newSteps: readonly NewStep[],
  view: Announcements,
  satisfied: ReadonlySet<string>,
): StepRow[] {
  const dependants = new Map<string, string[]>(newSteps.map(({ name }) => [name, []]));
  for (const { name, dependsOn } of newSteps)
    for (const before of dependsOn) dependants.get(before)?.push(name);

  return newSteps.map(({ name, planned, dependsOn, member }): StepRow => {
    const own = plannedSpec(planned, namespace, view);
    const spec = member ? { ...own, member } : own;
    return newStep({
      taskId,
      name,
      agentName: planned.agentName,
      spec,
      dependsOn,
      dependants: dependants.get(name) ?? [],
      unsatisfied: dependsOn.filter((before) => !satisfied.has(before)).length,
      maxAttempts: attemptsOf(spec, maxAttempts),
      maxLosses: lossesAsked(spec, maxLosses),
    });
  });
}
