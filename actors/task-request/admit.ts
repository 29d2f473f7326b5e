import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { laneOf } from "#domain/lane";
import { limits } from "#domain/limits";
import { namespaceDenied } from "#domain/refusals";
import type { TaskDraft, TaskRow } from "#domain/task";
import { type TemplateRow, templateKey } from "#domain/template";
import { differences } from "#domain/template-diff";
import { type Instant, later, millis } from "#domain/time";
import type { Command } from "../commands.js";
import { rowsOfDraft } from "../task/make.js";
import { createTask } from "../task/start.js";
import type { RequestFound, TaskRequestMessage } from "./messages.js";

/** Long enough for a good part of a full queue to be worked off, short enough to be worth waiting. */
const RETRY_AFTER = millis(1_000);

/**
 * Decides over each draft in turn: the Task that holds its key, a refusal, or a new Task. Drafts of
 * one batch see one another: two with one key become one Task.
 */
export function admit(
  { caller, drafts }: Extract<TaskRequestMessage, { type: "submit" }>,
  found: RequestFound,
  at: Instant,
): Command[] {
  const made = new Map<string, TaskRow>();
  const lanes = new Set(found.knownLanes);
  const added: Added = { waiting: 0, waitingIn: new Map(), lanesIn: new Map() };
  const commands: Command[] = [];

  const answers = drafts.map((draft, i): TaskId | Fault => {
    if (!mayUse(caller, draft.namespace)) return namespaceDenied(draft.namespace);
    const key = JSON.stringify([draft.namespace, draft.spec.idempotencyKey]);
    const holder = made.get(key) ?? found.holders[i];
    if (holder && !isOutdated(holder, at)) return sameWork(holder, draft);

    const newLanes = lanesOf(draft).filter((lane) => !lanes.has(lane));
    const full = noRoom(draft.namespace, newLanes.length, found, added);
    if (full) return full;

    const { task, steps } = rowsOfDraft(draft, at);
    if (draft.spec.idempotencyKey !== "") made.set(key, task);
    added.waiting += 1;
    bump(added.waitingIn, draft.namespace, 1);
    bump(added.lanesIn, draft.namespace, newLanes.length);
    for (const lane of newLanes) lanes.add(lane);
    if (holder) commands.push({ type: "releaseKey", params: { taskId: holder.id } });
    commands.push(...createTask(task, steps, draft.input, at));
    return task.id;
  });

  return [...commands, { type: "reply", params: { answer: { type: "tasks", tasks: answers } } }];
}

/** The template lets the same work run again after a while. */
function isOutdated({ createdAt, spec: { keyFor } }: TaskRow, at: Instant): boolean {
  return keyFor > 0 && later(createdAt, keyFor) <= at;
}

/** The lanes a Task may need: one for each agent it names. */
export function lanesOf({ namespace, spec, plan }: TaskDraft): string[] {
  const agents = plan ? plan.steps.map(({ agentName }) => agentName) : [spec.agentName];
  return [...new Set(agents)]
    .filter((agentName) => agentName !== "")
    .map((agentName) => laneOf(namespace, agentName, spec.workerSelector).key);
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

function noRoom(namespace: string, newLanes: number, found: RequestFound, added: Added): Fault | undefined {
  const inNamespace = (found.waitingIn[namespace] ?? 0) + (added.waitingIn.get(namespace) ?? 0);
  if (inNamespace >= limits.waitingPerNamespace) {
    return full(`namespace "${namespace}" has ${inNamespace} waiting tasks, the most it may have`);
  }
  if (found.waiting + added.waiting >= limits.waitingTotal) {
    return full(`${found.waiting + added.waiting} tasks are waiting, the most the plane keeps`);
  }
  const lanes = (found.lanesIn[namespace] ?? 0) + (added.lanesIn.get(namespace) ?? 0);
  if (newLanes > 0 && lanes + newLanes > limits.lanesPerNamespace) {
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

function bump(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** A template becomes known for good, unless this version is known with another body. */
export function register(
  { caller, template }: Extract<TaskRequestMessage, { type: "register" }>,
  { template: known, templatesIn }: RequestFound,
  at: Instant,
): Command[] {
  const answer = (row: TemplateRow): Command => ({
    type: "reply",
    params: { answer: { type: "template", template: row } },
  });
  const refuse = (fault: Fault): Command[] => [
    { type: "reply", params: { answer: { type: "fault", fault } } },
  ];

  if (!mayUse(caller, template.namespace)) return refuse(namespaceDenied(template.namespace));
  if (known) return known.digest === template.digest ? [answer(known)] : refuse(changed(known, template));
  if (templatesIn >= limits.templatesPerNamespace) {
    const text = `namespace "${template.namespace}" has ${templatesIn} versions of templates, the most it may`;
    return refuse(full(text));
  }
  const row: TemplateRow = { ...template, registeredAt: at };
  return [{ type: "keepTemplate", params: { template: row } }, answer(row)];
}

function changed(known: TemplateRow, template: Omit<TemplateRow, "registeredAt">): Fault {
  const lines = differences(known.body, template.body).join("; ");
  const text = `template ${templateKey(known)} is registered with another body (${lines}); give the new one a version of its own`;
  return new Fault("template_conflict", text, { field: "source", reason: "TEMPLATE_CHANGED" });
}
