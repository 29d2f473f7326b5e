import { firstSteps, type NewStep } from "#domain/graph/graph";
import type { StepSpec } from "#domain/graph/plan";
import { attemptsOf } from "#domain/graph/tries";
import { MAIN_STEP, type TaskId } from "#domain/id";
import { lossesAsked } from "#domain/task/losses";
import { DEFAULT_RETRY } from "#domain/task/retry";
import { newStep, type StepRow } from "#domain/task/step";
import type { TaskDraft, TaskRow, TaskSpec } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import { type Instant, millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";

/** The rows of a new Task: one Step if it names an agent, otherwise all its template begins with. */
export function rowsOfDraft(draft: TaskDraft, at: Instant): { task: TaskRow; steps: StepRow[] } {
  const { id, spec, plan } = draft;
  const newSteps = plan && firstSteps(plan);
  const steps = newSteps ? rowsOfNewSteps(id, newSteps, spec, NOTHING_SATISFIED) : [mainStep(id, spec)];
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
    inputBytes: utf8Bytes(input),
  };
}

/** What a request says for every Step: 0 attempts, and no number of losses, leave it to the template. */
type Tries = Pick<TaskSpec, "maxAttempts" | "maxLosses">;

/** What the only Step of a Task does that names an agent. */
function agentSpec({ maxAttempts, maxLosses }: Tries): StepSpec {
  return {
    type: "standard",
    planned: MAIN_STEP,
    config: null,
    retry: DEFAULT_RETRY,
    maxAttempts,
    maxLosses: maxLosses ?? limits.defaultLosses,
    timeoutMs: millis(0),
  };
}

function mainStep(taskId: TaskId, spec: TaskSpec): StepRow {
  return newStep({ taskId, name: MAIN_STEP, agentName: spec.agentName, spec: agentSpec(spec) });
}

const NOTHING_SATISFIED: ReadonlySet<string> = new Set();

/** @param satisfied Steps that are there already and need not be waited for */
export function rowsOfNewSteps(
  taskId: TaskId,
  newSteps: readonly NewStep[],
  { maxAttempts, maxLosses }: Tries,
  satisfied: ReadonlySet<string>,
): StepRow[] {
  const dependants = new Map<string, string[]>(newSteps.map(({ name }) => [name, []]));
  for (const { name, dependsOn } of newSteps)
    for (const before of dependsOn) dependants.get(before)?.push(name);

  return newSteps.map(({ name, planned, dependsOn, member }): StepRow => {
    const spec = member ? { ...planned.spec, member } : planned.spec;
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
