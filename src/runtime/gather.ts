import type { Told } from "#actors/asks";
import type { RunTrackerMessage, TrackerFound } from "#actors/run-tracker/messages";
import type { SchedulerFound, SchedulerMessage } from "#actors/scheduler/messages";
import type { FinalizerFound, TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import type { RequestFound, TaskRequestMessage } from "#actors/task-request/messages";
import type { RunId } from "#domain/id";
import { laneOf } from "#domain/lane";
import type { RunRow } from "#domain/run";
import { NEVER } from "#domain/time";
import type { SessionRow } from "#domain/worker";
import type { IdempotencyKey, Needs } from "#ports/store";
import type { Leases } from "./leases.js";
import type { Memory } from "./memory.js";
import type { Workspace } from "./workspace.js";

/** The turn's view of everything a message may want to see. */
export interface Scene {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly leases: Leases;
  /** Fresh Run ids for the scheduler. */
  readonly runIds: readonly RunId[];
}

/** The rows a message wants to see, before it is decided. */
export function needsOf({ to, message }: Told, memory: Memory): Needs {
  switch (to) {
    case "task-request":
      return { keys: keysOf(message) };
    case "scheduler":
      if (message.type === "schedule") return {};
      return { steps: message.placements, inputs: message.placements.map(({ taskId }) => taskId) };
    case "run-tracker":
      return { runs: runIdsOf(message, memory) };
    case "task-finalizer":
      return finalizerNeeds(message);
  }
}

function keysOf({ drafts }: TaskRequestMessage): IdempotencyKey[] {
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

function finalizerNeeds(message: TaskFinalizerMessage): Needs {
  const { taskId } = message;
  switch (message.type) {
    case "run.ended":
      return { steps: [message] };
    case "cancel":
    case "task.ended":
      return { wholeTasks: [taskId] };
    case "deadline.passed":
      return message.kind === "retry" ? { steps: [message] } : { wholeTasks: [taskId] };
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

export function foundForRequest({ drafts }: TaskRequestMessage, { work, memory }: Scene): RequestFound {
  const namespaces = [...new Set(drafts.map(({ namespace }) => namespace))];
  const lanes = drafts.map(
    ({ namespace, spec }) => laneOf(namespace, spec.agentName, spec.workerSelector).key,
  );
  return {
    holders: drafts.map(({ namespace, spec }) => work.holder(namespace, spec.idempotencyKey)),
    waiting: memory.waiting,
    waitingIn: Object.fromEntries(namespaces.map((namespace) => [namespace, memory.waitingIn(namespace)])),
    lanesIn: Object.fromEntries(
      namespaces.map((namespace) => [namespace, memory.backlog.lanesIn(namespace)]),
    ),
    knownLanes: lanes.filter((lane) => memory.backlog.has(lane)),
  };
}

export function foundForScheduler(
  message: SchedulerMessage,
  { work, memory, runIds }: Scene,
): SchedulerFound {
  const placements = message.type === "assign" ? message.placements : [];
  return {
    lanes: message.type === "schedule" ? memory.backlog.views() : [],
    workers: memory.roster.withRoom(),
    runIds,
    rows: placements.map((key) => {
      const step = work.step(key);
      const task = work.task(key.taskId);
      return step && task && { step, task };
    }),
  };
}

export function foundForTracker(message: RunTrackerMessage, { work, memory, leases }: Scene): TrackerFound {
  const session = speaker(message, memory);
  const run = message.type === "report" ? work.run(message.report.runId) : undefined;
  const many = message.type === "report" ? [] : runIdsOf(message, memory);
  return {
    ...(session && { session }),
    ...(run && { run }),
    runs: [...new Set(many)].flatMap((id): RunRow | RunRow[] => work.run(id) ?? []),
    leaseUntil: message.type === "silent" ? leases.until(message.session) : NEVER,
  };
}

export function foundForFinalizer(message: TaskFinalizerMessage, { work }: Scene): FinalizerFound {
  const task = work.task(message.taskId);
  const step = "stepName" in message ? work.step(message) : undefined;
  const all = message.type !== "run.ended";
  return {
    ...(task && { task }),
    ...(step && { step }),
    steps: all ? work.liveSteps(message.taskId) : [],
    runs: all ? work.liveRuns(message.taskId) : [],
  };
}
