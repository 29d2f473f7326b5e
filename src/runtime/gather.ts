import type { AddressedMessage } from "#actors/commands";
import type { RunTrackerMessage, TrackerFound } from "#actors/run-tracker/messages";
import { whyNot } from "#actors/run-tracker/report";
import type { Placement, SchedulerFound, SchedulerMessage } from "#actors/scheduler/messages";
import { lanesOf } from "#actors/task-request/admit";
import type { RequestFound, TaskRequestMessage } from "#actors/task-request/messages";
import type { RunId, SessionId, StepKey, TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import { NEVER } from "#domain/time";
import type { SchemaProblem } from "#domain/verdict";
import type { SessionRow, WorkerProtocol } from "#domain/worker";
import type { IdempotencyKey, Needs } from "#ports/store";
import { assignmentWeight, dependenciesOf, isByReference } from "./assignment.js";
import { finalizerNeeds } from "./gather-finalizer.js";
import type { Memory } from "./memory.js";
import { NO_OFFER } from "./offer.js";
import { planFor, plannedStep } from "./plans.js";
import type { TurnContext } from "./turn-context.js";
import type { Workspace } from "./workspace.js";

/** The rows a message wants to see, before it is decided; as far as those that are here tell. */
export function needsOf({ to, message }: AddressedMessage, context: TurnContext): Needs {
  switch (to) {
    case "task-request":
      return message.type === "register" ? { templates: [message.template] } : { keys: keysOf(message) };
    case "scheduler":
      return schedulerNeeds(message, context);
    case "run-tracker":
      return { runs: runIdsOf(message, context.memory), ...schemaNeeds(message, context) };
    case "task-finalizer":
      return finalizerNeeds(message, context);
  }
}

function schedulerNeeds(message: SchedulerMessage, context: TurnContext): Needs {
  switch (message.type) {
    case "schedule":
      return {};
    case "weigh":
      return rowNeeds(message.placements, context);
    case "assign":
      return payloadNeeds(message.placements, context);
  }
}

/** The Steps, and those whose results they are given. */
function rowNeeds(placements: readonly Placement[], { work }: TurnContext): Needs {
  const before = withinRows(placements, work).flatMap(({ taskId, dependsOn }) =>
    dependsOn.map((stepName) => ({ taskId, stepName })),
  );
  return { steps: before.length > 0 ? [...placements, ...before] : placements };
}

/** As many of the Steps, in their order, as one turn may look behind. */
function withinRows(placements: readonly Placement[], work: Workspace): StepRow[] {
  const steps: StepRow[] = [];
  let rows = 0;
  for (const key of placements) {
    if (rows >= limits.turnDependencies) break;
    const step = work.step(key);
    if (!step) continue;
    steps.push(step);
    rows += step.dependsOn.length;
  }
  return steps;
}

/** What the Steps work on, and the results they are given; but no input that the worker reads by itself. */
function payloadNeeds(placements: readonly Placement[], context: TurnContext): Needs {
  const { work } = context;
  const inputs: TaskId[] = [];
  const stepInputs: StepKey[] = [];
  const outputs: StepKey[] = [];
  for (const { session, ...key } of placements) {
    const step = work.step(key);
    const task = work.task(key.taskId);
    if (!step || !task) continue;
    if (!isByReference(task, protocolOf(session, context))) inputs.push(key.taskId);
    if (step.hasInput) stepInputs.push(key);
    if (step.dependsOn.length > 0) outputs.push(...dependenciesOf(work, step).inline);
    if (step.spec.undoes) outputs.push(step.spec.undoes);
  }
  return { inputs, stepInputs, outputs };
}

function protocolOf(session: SessionId, { memory }: TurnContext): WorkerProtocol {
  return memory.roster.get(session)?.protocol ?? 0;
}

/** A result may have to fit a schema of the template. */
function schemaNeeds(message: RunTrackerMessage, { work, plans }: TurnContext): Needs {
  const run = message.type === "report" ? work.run(message.report.runId) : undefined;
  const task = run && work.task(run.taskId);
  const ref = task?.spec.template;
  if (!run || !ref || !work.step(run)?.spec.hasSchema || plans.get(ref, task.spec.environment)) return {};
  return { templates: [ref] };
}

type Submit = Extract<TaskRequestMessage, { type: "submit" }>;

function keysOf({ drafts }: Submit): IdempotencyKey[] {
  return drafts
    .filter(({ spec }) => spec.idempotencyKey !== "")
    .map(({ namespace, spec }) => ({ namespace, key: spec.idempotencyKey }));
}

function runIdsOf(message: RunTrackerMessage, memory: Memory): RunId[] {
  switch (message.type) {
    case "report":
      return [message.report.runId];
    case "hello": {
      const previous = speaker(message, memory);
      const held = previous ? [...memory.roster.held(previous.id).keys()] : [];
      return [...held, ...message.hello.resume.map(({ runId }) => runId)];
    }
    case "held":
      return [...memory.roster.held(message.session).keys(), ...message.held.runIds];
    case "silent":
      return [...memory.roster.held(message.session).keys()];
    case "worker.changed":
    case "closed":
    case "drain.worker":
      return [];
  }
}

/** The session a message comes from or is about; for a hello the one it supersedes. */
function speaker(message: RunTrackerMessage, { roster }: Memory): SessionRow | undefined {
  switch (message.type) {
    case "hello":
      return roster.of(message.caller.principal, message.hello.info.workerId);
    case "drain.worker":
      return roster.of(message.caller.principal, message.workerId);
    default:
      return roster.get(message.session);
  }
}

export function foundForRequest(message: TaskRequestMessage, { work, memory }: TurnContext): RequestFound {
  const drafts = message.type === "submit" ? message.drafts : [];
  const namespaces = [...new Set(drafts.map(({ namespace }) => namespace))];
  const lanes = drafts.flatMap(lanesOf);
  const template = message.type === "register" ? work.template(message.template) : undefined;
  return {
    holders: drafts.map(({ namespace, spec }) => work.holder(namespace, spec.idempotencyKey)),
    waiting: memory.waiting,
    waitingIn: Object.fromEntries(namespaces.map((namespace) => [namespace, memory.waitingIn(namespace)])),
    lanesIn: Object.fromEntries(
      namespaces.map((namespace) => [namespace, memory.backlog.lanesIn(namespace)]),
    ),
    knownLanes: lanes.filter((lane) => memory.backlog.has(lane)),
    templatesIn: message.type === "register" ? memory.templatesIn(message.template.namespace) : 0,
    ...(template && { template }),
  };
}

export function foundForScheduler(message: SchedulerMessage, context: TurnContext): SchedulerFound {
  const { workers, free, runIds } = context.offer ?? NO_OFFER;
  return {
    lanes: message.type === "schedule" ? context.memory.backlog.views() : [],
    workers,
    runIds,
    free,
    rows: message.type === "schedule" ? [] : placedRows(message, context),
  };
}

/** Only what is loaded to its end can be weighed. */
function placedRows(
  { type, placements }: Exclude<SchedulerMessage, { type: "schedule" }>,
  context: TurnContext,
): SchedulerFound["rows"] {
  const { work } = context;
  const weighed = type === "weigh" ? new Set(withinRows(placements, work)) : undefined;
  return placements.map((key) => {
    const step = work.step(key);
    const task = work.task(key.taskId);
    if (!step || !task || weighed?.has(step) === false) return undefined;
    const weight = weighed ? assignmentWeight(task, step, work, protocolOf(key.session, context)) : 0;
    return { step, task, weight };
  });
}

export function foundForTracker(message: RunTrackerMessage, context: TurnContext): TrackerFound {
  const { work, memory, leases } = context;
  const session = speaker(message, memory);
  const run = message.type === "report" ? work.run(message.report.runId) : undefined;
  const many = message.type === "report" ? [] : [...new Set(runIdsOf(message, memory))];
  return {
    session,
    run,
    resultProblem: resultProblem(message, session, run, context),
    runs: many.flatMap((id): RunRow | RunRow[] => work.run(id) ?? []),
    leaseUntil: message.type === "silent" ? leases.until(message.session) : NEVER,
  };
}

/** Looked for only in a report that will count. */
function resultProblem(
  message: RunTrackerMessage,
  session: SessionRow | undefined,
  run: RunRow | undefined,
  { work, plans, verdicts }: TurnContext,
): SchemaProblem | undefined {
  if (message.type !== "report" || message.report.type !== "status" || !run) return undefined;
  const { status, output, outputCount = 0 } = message.report;
  const step = work.step(run);
  if (status !== "COMPLETED" || !step?.spec.hasSchema || outputCount > run.nextSeq) return undefined;
  if (whyNot(message, { run, session })) return undefined;

  const task = work.task(run.taskId);
  const plan = task && planFor(task.spec.template, task.spec.environment, work, plans);
  const schema = plan && plannedStep(plan, step.spec.planned)?.resultSchema;
  return schema ? verdicts.problem(schema, output || "null") : undefined;
}
