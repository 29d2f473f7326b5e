import type { AddressedMessage, Answer } from "#actors/commands";
import { addedText } from "#actors/task-finalizer/top-up";
import { type AuditRecord, auditRecord } from "#domain/audit/record";
import { type Caller, mayUse } from "#domain/caller";
import type { Fault } from "#domain/fault";
import { EVERY_NAMESPACE, type PauseScope, scopeText } from "#domain/pause/pause";
import { templateKey } from "#domain/template/template";
import { iso } from "#domain/time/iso";
import { type Instant, NEVER } from "#domain/time/time";
import type { Refusal } from "#ports/audit";
import type { Memory } from "../memory/memory.js";
import type { Workspace } from "../memory/workspace.js";

type Message = AddressedMessage["message"];
/** The turn in which it was decided. */
export interface AuditedTurn {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly at: Instant;
}

type Decided = Answer | Error | undefined;

/** Adds to the turn what the audit log says of a message that was decided: nothing, of most. */
export function auditMessage(message: Message, answer: Decided, { work, memory, at }: AuditedTurn): void {
  if (answer instanceof Error) return;
  if (message.type === "report" && answer === undefined) {
    noteForeign(message, { work, memory, at });
    return;
  }
  if (answer?.type === "fault") {
    const refusal = refusalOf(message, answer.fault, { work, memory, at });
    if (refusal) work.audit.refuse(refusal);
    return;
  }
  for (const said of doneBy(message, answer, work)) work.audit.add(auditRecord({ at, ...said }));
}

/** A report on a Run of another namespace is answered as one on none, and noted all the same. */
function noteForeign(
  { session, report: { runId } }: Extract<Message, { type: "report" }>,
  { work, memory }: AuditedTurn,
): void {
  const run = work.run(runId);
  const speaker = run && memory.roster.get(session);
  if (!speaker || run.principal === speaker.principal) return;
  const { principal: actor } = speaker;
  work.audit.refuse({ actor, action: "worker.impersonate", object: `run ${runId}`, detail: "RUN_NOT_FOUND" });
}

type Said = Pick<AuditRecord, "actor" | "action" | "object"> & Partial<AuditRecord>;

/** What operators do; and what ends a Task of somebody else. What happens to every Task is in its own log. */
function doneBy(message: Message, answer: Exclude<Decided, Error>, work: Workspace): readonly Said[] {
  switch (message.type) {
    case "cancel":
    case "signal": {
      const { caller, taskId } = message;
      const task = work.task(taskId);
      if (!task || task.spec.principal === caller.principal) return [];
      const detail = message.type === "cancel" ? message.message : withReason(message.signal, message.reason);
      return [{ ...of(caller, `task.${message.type}`, `task ${taskId}`), namespace: task.namespace, detail }];
    }
    case "resolve": {
      const { caller, taskId, stepName, action, reason } = message;
      const { namespace = "" } = work.task(taskId) ?? {};
      const object = stepName === "" ? `task ${taskId}` : `step ${taskId}/${stepName}`;
      return [{ ...of(caller, "step.resolve", object), namespace, detail: withReason(action.type, reason) }];
    }
    case "top.up": {
      const { caller, taskId, add, reason } = message;
      const { namespace = "" } = work.task(taskId) ?? {};
      const detail = withReason(addedText(add), reason);
      return [{ ...of(caller, "task.top_up", `task ${taskId}`), namespace, detail }];
    }
    case "submit": {
      const made = answer?.type === "tasks" ? answer.tasks : [];
      return message.drafts.flatMap(({ id, namespace, spec: { retryOf }, fork, isRedrive, reason }, i) => {
        const old = fork?.of ?? retryOf;
        if (old === "" || made[i] !== id) return [];
        const from = fork ? ` from ${fork.from || "what failed"}` : "";
        const detail = withReason(`as task ${id}${from}`, reason);
        const action = fork ? "task.fork" : isRedrive ? "dead_letter.redrive" : "task.retry";
        return [{ ...of(message.caller, action, `task ${old}`), namespace, detail }];
      });
    }
    case "update.dead.letter": {
      const { caller, taskId, status = "" } = message;
      const { namespace = "" } = work.task(taskId) ?? {};
      return [{ ...of(caller, "dead_letter.update", `task ${taskId}`), namespace, detail: status }];
    }
    case "register": {
      const row = answer?.type === "template" ? answer.template : undefined;
      if (!row || !work.templates.isNew(row)) return [];
      const { namespace, digest: detail } = row;
      return [
        { ...of(message.caller, "template.register", `template ${templateKey(row)}`), namespace, detail },
      ];
    }
    case "drain.worker":
      return [
        { ...of(message.caller, "worker.drain", `worker ${message.workerId}`), detail: message.message },
      ];
    case "pause": {
      const { caller, scope, message: reason, until } = message;
      const end = until === NEVER ? "until it is resumed" : `until ${iso(until)}`;
      const detail = reason === "" ? end : `${end}: ${reason}`;
      return [{ ...of(caller, "pause.create", pauseObject(scope)), namespace: namespaceOf(scope), detail }];
    }
    case "resume": {
      const { caller, scope } = message;
      const known = answer?.type === "pause" && answer.pause !== undefined;
      return [
        {
          ...of(caller, "pause.end", pauseObject(scope)),
          namespace: namespaceOf(scope),
          detail: known ? "" : "not known to be paused",
        },
      ];
    }
    default:
      return [];
  }
}

/** What is asked of one Task, by the type of the message, and its action. */
const ofOperators = {
  cancel: "task.cancel",
  resolve: "step.resolve",
  "top.up": "task.top_up",
  signal: "task.signal",
  "update.dead.letter": "dead_letter.update",
} as const satisfies { readonly [Type in Message["type"]]?: string };

function isOfOperator(message: Message): message is Extract<Message, { type: keyof typeof ofOperators }> {
  return Object.hasOwn(ofOperators, message.type);
}

/** A refusal because of who asks, which the actor finds that reads the rows. */
function refusalOf(message: Message, fault: Fault, { work, memory }: AuditedTurn): Refusal | undefined {
  if (message.type === "report") {
    const actor = memory.roster.get(message.session)?.principal ?? "";
    const object = `run ${message.report.runId}`;
    return { actor, action: "worker.impersonate", object, detail: fault.reason };
  }
  if (message.type === "hello") {
    if (fault.code !== "denied") return undefined;
    const object = `worker ${message.hello.info.workerId}`;
    return { ...of(message.caller, "worker.impersonate", object), detail: fault.reason ?? "" };
  }
  if (isOfOperator(message)) {
    const { caller, taskId } = message;
    const task = work.task(taskId);
    if (!task || mayUse(caller, task.namespace)) return undefined;
    const action = ofOperators[message.type];
    return {
      ...of(caller, action, `task ${taskId}`),
      namespace: task.namespace,
      detail: "FOREIGN_NAMESPACE",
    };
  }
  if (message.type !== "register" || fault.code !== "denied") return undefined;
  const { namespace } = message.template;
  const object = `template ${templateKey(message.template)}`;
  return { ...of(message.caller, "template.register", object), namespace, detail: "FOREIGN_NAMESPACE" };
}

function withReason(what: string, reason = ""): string {
  return reason === "" ? what : `${what}: ${reason}`;
}

function pauseObject(scope: PauseScope): string {
  return `pause of ${scopeText(scope)}`;
}

function namespaceOf({ namespace }: PauseScope): string {
  return namespace === EVERY_NAMESPACE ? "" : namespace;
}

function of({ principal }: Caller, action: string, object: string) {
  return { actor: principal, action, object };
}
