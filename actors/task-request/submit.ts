import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { beginOfDay, dayOf, namespaceFull } from "#domain/namespace-limits";
import type { IdempotencyKey, Needs } from "#domain/needs";
import { deadLetterNotFound, namespaceDenied } from "#domain/refusals";
import { type DeadLetterRow, withStatus } from "#domain/task/dead-letter";
import { laneOf } from "#domain/task/lane";
import type { TaskDraft, TaskRow } from "#domain/task/task";
import { type Instant, later, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { MIB } from "#limits/units";
import type { Command } from "../commands.js";
import { rowsOfFork } from "../task/fork.js";
import { rowsOfDraft } from "../task/make.js";
import { createFork, createTask } from "../task/start.js";
import type { MessageView } from "../view.js";
import { full } from "./full.js";
import type { TaskRequestHandler } from "./handler.js";

/**
 * Decides over each draft in turn: the Task that holds its key, a refusal, or a new Task. Drafts of
 * one batch see one another: two with one key become one Task.
 */
export const submit: TaskRequestHandler<"submit"> = {
  needs: ({ drafts }, view) => ({
    keys: drafts.flatMap(keyOf),
    graphs: drafts.flatMap(({ fork }) => (fork ? [fork.of] : [])),
    ...letterNeeds(drafts, view),
  }),

  decide: ({ caller, drafts }, view, { at }) => admit(caller, drafts, view, at),
};

function keyOf({ namespace, spec: { idempotencyKey: key } }: TaskDraft): IdempotencyKey[] {
  return key === "" ? [] : [{ namespace, key }];
}

function admit(caller: Caller, drafts: readonly TaskDraft[], view: MessageView, at: Instant): Command[] {
  const made = new Map<string, TaskRow>();
  const redrives = new Map<string, TaskId>();
  const lanes = new Set<string>();
  const added: Added = { waiting: 0, waitingIn: new Map(), lanesIn: new Map() };
  const commands: Command[] = [];

  const answers = drafts.map((draft): TaskId | Fault => {
    if (!mayUse(caller, draft.namespace)) return namespaceDenied(draft.namespace);
    const key = JSON.stringify([draft.namespace, draft.spec.idempotencyKey]);
    const keyOwner = made.get(key) ?? view.keyOwner(draft.namespace, draft.spec.idempotencyKey);
    if (keyOwner && !isOutdated(keyOwner, at)) return sameWork(keyOwner, draft);
    const redriven = draft.isRedrive
      ? (redrives.get(draft.spec.retryOf) ?? redriveOf(draft, view))
      : undefined;
    if (typeof redriven === "string" || redriven instanceof Fault) return redriven;
    if (draft.refusal) return draft.refusal;

    const newLanes = lanesOf(draft).filter((lane) => !lanes.has(lane) && !view.hasLane(lane));
    const full =
      overOwnLimit(draft.namespace, view, added, at) ?? noRoom(draft.namespace, newLanes.length, view, added);
    if (full) return full;

    const forked = draft.fork && rowsOfFork(draft, draft.fork, view, at);
    if (forked instanceof Fault) return forked;
    const { task, steps } = forked ?? rowsOfDraft(draft, view, at);
    if (draft.spec.idempotencyKey !== "") made.set(key, task);
    added.waiting += 1;
    bump(added.waitingIn, draft.namespace, 1);
    bump(added.lanesIn, draft.namespace, newLanes.length);
    for (const lane of newLanes) lanes.add(lane);
    if (keyOwner) commands.push({ type: "releaseKey", params: { taskId: keyOwner.id } });
    const letter = redriven ?? pendingOf(draft, view);
    if (letter && !redrives.has(letter.taskId)) {
      const row = withStatus(letter, "MANUALLY_RESOLVED", caller.principal, at);
      redrives.set(letter.taskId, task.id);
      commands.push({ type: "keepDeadLetter", params: { row: { ...row, redrivenAs: task.id } } });
    }
    commands.push(
      ...(forked ? createFork(forked, draft.input, at) : createTask(task, steps, draft.input, at)),
    );
    return task.id;
  });

  return [...commands, { type: "reply", params: { answer: { type: "tasks", tasks: answers } } }];
}

/** The dead letters of Tasks whose work is done again. Of redrives also these Tasks, and the ones that have done it already. */
function letterNeeds(drafts: readonly TaskDraft[], view: MessageView): Needs {
  const forked = drafts.flatMap(({ fork }) => (fork ? [fork.of] : []));
  const redriven = drafts.flatMap(({ isRedrive, spec: { retryOf } }) =>
    isRedrive && retryOf !== "" ? [retryOf] : [],
  );
  if (forked.length + redriven.length === 0) return {};
  const done = redriven.flatMap((id) => view.deadLetter(id)?.redrivenAs || []);
  return { deadLetters: [...redriven, ...forked], wholeTasks: [...redriven, ...done] };
}

/** The dead letter of the Task that is forked, if nobody has said yet what becomes of it. */
function pendingOf({ fork }: TaskDraft, view: MessageView): DeadLetterRow | undefined {
  const letter = fork && view.deadLetter(fork.of);
  return letter?.status === "PENDING" ? letter : undefined;
}

/** The dead letter that the draft is made for; or, if that was done before, the Task that was made then. */
function redriveOf({ spec: { retryOf } }: TaskDraft, view: MessageView): DeadLetterRow | TaskId | Fault {
  const letter = retryOf === "" ? undefined : view.deadLetter(retryOf);
  if (!letter || !view.task(letter.taskId)) return deadLetterNotFound(retryOf);
  const { redrivenAs } = letter;
  if (redrivenAs === "") return letter;
  if (view.task(redrivenAs)) return redrivenAs;
  const text = `task ${retryOf} was done again as task ${redrivenAs}, which is no longer kept; retry it for another time`;
  return new Fault("wrong_state", text, { reason: "REDRIVEN", metadata: { redriven_as: redrivenAs } });
}

/** The template lets the same work run again after a while. */
function isOutdated({ createdAt, spec: { keyFor } }: TaskRow, at: Instant): boolean {
  return keyFor > 0 && later(createdAt, keyFor) <= at;
}

/** The lanes a Task may need: one for each agent it names. */
function lanesOf({ namespace, spec, plan }: TaskDraft): string[] {
  const agents = plan ? plan.steps.map(({ agentName }) => agentName) : [spec.agentName];
  return [...new Set(agents)]
    .filter((agentName) => agentName !== "")
    .map((agentName) => laneOf(namespace, agentName, spec.workerSelector).key);
}

function sameWork(keyOwner: TaskRow, { spec }: TaskDraft): TaskId | Fault {
  if (keyOwner.spec.fingerprint === spec.fingerprint) return keyOwner.id;
  return new Fault(
    "key_conflict",
    `idempotency_key "${spec.idempotencyKey}" belongs to task ${keyOwner.id}, whose request was another one; ` +
      "use a new key for new work",
    { field: "idempotency_key", reason: "IDEMPOTENCY_KEY_REUSED", metadata: { task_id: keyOwner.id } },
  );
}

/** What earlier drafts of the batch add. By namespace, which is a client's word, so no plain object. */
interface Added {
  waiting: number;
  readonly waitingIn: Map<string, number>;
  readonly lanesIn: Map<string, number>;
}

/** What an operator lets this namespace have; only what clients ask for is held against it. */
function overOwnLimit(namespace: string, view: MessageView, added: Added, at: Instant): Fault | undefined {
  const waiting = view.waitingIn(namespace) + (added.waitingIn.get(namespace) ?? 0);
  const limit = view.waitingLimit(namespace);
  if (limit !== undefined && waiting >= limit) {
    const way = "try again when a worker has taken some";
    const { retryAfter } = limits;
    return namespaceFull(namespace, {
      ...{ setting: "waiting-tasks", limit, has: `${waiting} waiting tasks`, way, retryAfter },
    });
  }
  const bytes = view.outputLimitReached(namespace, at);
  if (bytes === undefined) return undefined;
  const retryAfter = millis(Math.ceil(beginOfDay(dayOf(at) + 1) - at));
  const limitMib = bytes / MIB;
  return namespaceFull(namespace, {
    ...{ setting: "daily-output", limit: limitMib, has: `${limitMib} MiB of output of today`, retryAfter },
    way: "what runs goes on, and new tasks are taken again from midnight, UTC",
  });
}

function noRoom(namespace: string, newLanes: number, view: MessageView, added: Added): Fault | undefined {
  const inNamespace = view.waitingIn(namespace) + (added.waitingIn.get(namespace) ?? 0);
  if (inNamespace >= limits.waitingPerNamespace) {
    return full(`namespace "${namespace}" has ${inNamespace} waiting tasks, the most it may have`);
  }
  if (view.waiting + added.waiting >= limits.waitingTotal) {
    return full(`${view.waiting + added.waiting} tasks are waiting, the most the plane keeps`);
  }
  const lanes = view.lanesIn(namespace) + (added.lanesIn.get(namespace) ?? 0);
  if (newLanes > 0 && lanes + newLanes > limits.lanesPerNamespace) {
    return full(
      `namespace "${namespace}" waits for ${lanes} different agents and selectors, the most it may`,
    );
  }
  return undefined;
}

function bump(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
