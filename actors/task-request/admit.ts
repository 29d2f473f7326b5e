import { mayUse } from "#domain/caller";
import { WHOLE_TASK } from "#domain/deadline";
import { Fault } from "#domain/fault";
import { MAIN_STEP, type TaskId } from "#domain/id";
import { laneOf } from "#domain/lane";
import { limits } from "#domain/limits";
import { namespaceDenied } from "#domain/refusals";
import type { StepRow } from "#domain/step";
import { deadlineOf, type TaskDraft, type TaskRow } from "#domain/task";
import { type Instant, millis, NEVER } from "#domain/time";
import type { Ask } from "../asks.js";
import { startTask } from "../task/start.js";
import type { RequestFound, TaskRequestMessage } from "./messages.js";

/** Long enough for a good part of a full queue to be worked off, short enough to be worth waiting. */
const RETRY_AFTER = millis(1_000);

/**
 * Decides over each draft in turn: the Task that holds its key, a refusal, or a new Task. Drafts of
 * one batch see one another: two with one key become one Task.
 */
export function admit({ caller, drafts }: TaskRequestMessage, found: RequestFound, at: Instant): Ask[] {
  const made = new Map<string, TaskRow>();
  const lanes = new Set(found.knownLanes);
  const added: Added = { waiting: 0, waitingIn: new Map(), lanesIn: new Map() };
  const asks: Ask[] = [];

  const answers = drafts.map((draft, i): TaskId | Fault => {
    if (!mayUse(caller, draft.namespace)) return namespaceDenied(draft.namespace);
    const key = JSON.stringify([draft.namespace, draft.spec.idempotencyKey]);
    const holder = found.holders[i] ?? made.get(key);
    if (holder) return sameWork(holder, draft);

    const lane = laneOf(draft.namespace, draft.spec.agentName, draft.spec.workerSelector).key;
    const full = noRoom(draft.namespace, lanes.has(lane), found, added);
    if (full) return full;

    const { task, step } = rowsOf(draft, at);
    if (draft.spec.idempotencyKey !== "") made.set(key, task);
    added.waiting += 1;
    bump(added.waitingIn, draft.namespace);
    if (!lanes.has(lane)) bump(added.lanesIn, draft.namespace);
    lanes.add(lane);
    asks.push(...create(task, step, draft.input, at));
    return task.id;
  });

  return [...asks, { type: "reply", params: { answer: { type: "tasks", tasks: answers } } }];
}

function sameWork(holder: TaskRow, { spec }: TaskDraft): TaskId | Fault {
  if (holder.spec.fingerprint === spec.fingerprint) return holder.id;
  return new Fault(
    "key_conflict",
    `idempotency_key "${spec.idempotencyKey}" belongs to task ${holder.id}, whose request was another one; ` +
      "use a new key for new work",
    { field: "idempotency_key", reason: "IDEMPOTENCY_KEY_REUSED", metadata: { task_id: holder.id } },
  );
}

/** What earlier drafts of the batch add. By namespace, which is a client's word, so no plain object. */
interface Added {
  waiting: number;
  readonly waitingIn: Map<string, number>;
  readonly lanesIn: Map<string, number>;
}

function noRoom(namespace: string, laneKnown: boolean, found: RequestFound, added: Added): Fault | undefined {
  const inNamespace = (found.waitingIn[namespace] ?? 0) + (added.waitingIn.get(namespace) ?? 0);
  if (inNamespace >= limits.waitingPerNamespace) {
    return full(`namespace "${namespace}" has ${inNamespace} waiting tasks, the most it may have`);
  }
  if (found.waiting + added.waiting >= limits.waitingTotal) {
    return full(`${found.waiting + added.waiting} tasks are waiting, the most the plane keeps`);
  }
  const lanes = (found.lanesIn[namespace] ?? 0) + (added.lanesIn.get(namespace) ?? 0);
  if (!laneKnown && lanes >= limits.lanesPerNamespace) {
    return full(
      `namespace "${namespace}" waits for ${lanes} different agents and selectors, the most it may`,
    );
  }
  return undefined;
}

function full(what: string): Fault {
  return new Fault("overloaded", `${what}; nothing was stored, try again later`, {
    reason: "QUEUE_FULL",
    retryAfter: RETRY_AFTER,
  });
}

function bump(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function rowsOf({ id, namespace, spec }: TaskDraft, at: Instant): { task: TaskRow; step: StepRow } {
  const task: TaskRow = {
    id,
    namespace,
    revision: 0,
    state: "pending",
    spec,
    counts: { pending: 1 },
    hasRun: false,
    createdAt: at,
    finishedAt: NEVER,
    reason: "",
    errorMessage: "",
  };
  const step: StepRow = {
    taskId: id,
    name: MAIN_STEP,
    revision: 0,
    state: "pending",
    agentName: spec.agentName,
    dependsOn: [],
    unsatisfied: 0,
    fence: 0,
    attempts: 0,
    maxAttempts: spec.maxAttempts,
    declines: 0,
    avoidWorker: "",
    avoidUntil: NEVER,
    lane: "",
    rank: 0,
    nextAttemptAt: NEVER,
    runId: "",
    outputBytes: 0,
    errorMessage: "",
  };
  return { task, step };
}

function create(task: TaskRow, step: StepRow, input: string, at: Instant): Ask[] {
  const { id: taskId, spec } = task;
  const asks: Ask[] = [
    { type: "createTask", params: { task, input } },
    { type: "createStep", params: { step } },
  ];
  const deadline = deadlineOf(task);
  if (deadline !== NEVER) {
    asks.push({
      type: "setDeadline",
      params: { taskId, stepName: WHOLE_TASK, kind: "timeout", at: deadline },
    });
  }
  if (spec.startAt > at) {
    asks.push({
      type: "setDeadline",
      params: { taskId, stepName: WHOLE_TASK, kind: "start", at: spec.startAt },
    });
    return asks;
  }
  return [...asks, ...startTask(task, [step], at)];
}
