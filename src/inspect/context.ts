import type { SessionId } from "#domain/id";
import { maxLossesOf } from "#domain/task/losses";
import { holdOf, type RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { suspensionOf } from "#domain/task/suspension";
import type { TaskRow } from "#domain/task/task";
import { type Instant, NEVER } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { InspectionSource } from "#ports/inspection";
import type { Deadlines } from "./deadlines.js";
import type { Shown } from "./names.js";
import { clipped } from "./payloads.js";
import type { InspectedContext, InspectedSnapshot } from "./protocol.js";

/** What snapshots are made with, beside the row. */
export interface SnapshotParts {
  readonly deadlines: Deadlines;
  readonly source: Pick<InspectionSource, "worker" | "leaseUntil">;
  /** True if contexts have texts too: error messages and labels. */
  readonly payloads: boolean;
}

/** An entity's state, with the ids, counters and deadlines of its row. */
export function snapshotOf(entity: Shown, parts: SnapshotParts): InspectedSnapshot {
  switch (entity.kind) {
    case "outside":
      return { status: "active", value: {}, context: {} };
    case "actor":
      return { status: entity.state === "stopped" ? "done" : "active", value: entity.state, context: {} };
    case "task": {
      const { state } = entity.row;
      return {
        status: endedTask.has(state) ? "done" : "active",
        value: state,
        context: ofTask(entity.row, parts),
      };
    }
    case "step": {
      const { state } = entity.row;
      return {
        status: endedStep.has(state) ? "done" : "active",
        value: state,
        context: ofStep(entity.row, parts),
      };
    }
    case "run": {
      const { status } = entity.row;
      const hold = holdOf(entity.row);
      const isOver = hold === "released" && endedRun.has(status);
      return {
        status: isOver ? "done" : "active",
        value: { status, hold },
        context: ofRun(entity.row, parts),
      };
    }
    case "worker": {
      const { state } = entity.row;
      return {
        status: state === "gone" ? "done" : "active",
        value: state,
        context: ofWorker(entity.row, parts),
      };
    }
  }
}

/** The final states of the machines. A Step in `error` may be tried anew. */
const endedTask: ReadonlySet<string> = new Set(["complete", "error", "cancelled", "resolved_manually"]);
const endedStep: ReadonlySet<string> = new Set(["complete", "cancelled", "resolved_manually"]);
const endedRun: ReadonlySet<string> = new Set(["COMPLETED", "FAILED", "CANCELLED"]);

function ofTask(row: TaskRow, { deadlines, payloads }: SnapshotParts): InspectedContext {
  const { id: taskId, namespace, spec, counts, hasRun, createdAt, finishedAt, reason, compensatedBy } = row;
  const { agentName, template, priority, parent, compensates, retryOf, labels } = spec;
  return said({
    taskId,
    namespace,
    agentName,
    template: template && `${template.namespace}/${template.name}@${template.version}`,
    priority,
    counts,
    hasRun,
    deadlines: deadlines.ofTask(row),
    createdAt,
    finishedAt,
    reason,
    parent,
    compensates,
    compensatedBy,
    retryOf,
    ...(payloads && { labels: clipped(labels), errorMessage: clipped(row.errorMessage) }),
  });
}

function ofStep(row: StepRow, { deadlines, payloads }: SnapshotParts): InspectedContext {
  const { taskId, name: stepName, spec, agentName, dependsOn, members, unsatisfied } = row;
  const { fence, attempts, maxAttempts, losses, declines, avoidWorker, avoidUntil, runId, childId, order } =
    row;
  return said({
    taskId,
    stepName,
    type: spec.type,
    agentName,
    signal: spec.signal?.name,
    journaled: row.journal?.entries,
    suspendedFor: suspensionOf(row)?.cause,
    dependencies: dependsOn.length,
    unsatisfied,
    members: members.length,
    attempts,
    maxAttempts,
    losses,
    maxLosses: maxLossesOf(row),
    declines,
    fence,
    deadlines: deadlines.ofStep(row),
    avoidWorker,
    avoidUntil,
    runId,
    childId,
    compensates: spec.compensates && { taskId: spec.compensates.taskId, stepName: spec.compensates.stepName },
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    order,
    ...(payloads && { errorMessage: clipped(row.errorMessage) }),
  });
}

function ofRun(row: RunRow, { source, payloads }: SnapshotParts): InspectedContext {
  const { id: runId, taskId, stepName, agentName, fence, attempt, ordinal, workerId, session, heldBy } = row;
  const { nextSeq, outputBytes, createdAt, startedAt, finishedAt, reason } = row;
  return said({
    runId,
    taskId,
    stepName,
    agentName,
    fence,
    attempt,
    ordinal,
    workerId,
    session,
    heldBy,
    leaseUntil: heldBy === "" ? NEVER : leaseOf(heldBy, source),
    nextSeq,
    outputBytes,
    createdAt,
    startedAt,
    finishedAt,
    reason,
    ...(payloads && { errorMessage: clipped(row.errorMessage) }),
  });
}

/** When a lease ends; {@link NEVER} while it is not known. */
function leaseOf(session: SessionId, { leaseUntil }: SnapshotParts["source"]): Instant {
  const until = leaseUntil(session);
  return until < Number.MAX_SAFE_INTEGER ? until : NEVER;
}

function ofWorker(row: SessionRow, { source }: SnapshotParts): InspectedContext {
  const { id: session, state, info, protocol, capacity: slots, connectedAt } = row;
  const { workerId, agents, namespaces } = info;
  const most = limits.inspectNames;
  return said({
    session,
    workerId,
    protocol,
    slots,
    held: source.worker(session)?.held ?? 0,
    agents: agents.slice(0, most).map(({ name }) => name),
    namespaces: namespaces.slice(0, most),
    // Of a connected one it moves with each heartbeat, which is told to nobody.
    leaseUntil: state === "detached" ? leaseOf(session, source) : NEVER,
    connectedAt,
  });
}

/** Instants and ids that there are not: left out. Counters stay, even if they are 0. */
function said(fields: Record<string, unknown>): InspectedContext {
  for (const name in fields) {
    const value = fields[name];
    const isNothing =
      value === "" || value === null || (value === NEVER && (name.endsWith("At") || name.endsWith("Until")));
    // Not deleted: an object without a member is slower, and JSON leaves this out too.
    if (isNothing || (Array.isArray(value) && value.length === 0)) fields[name] = undefined;
  }
  return fields;
}
