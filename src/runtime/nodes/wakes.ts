import type { NodeId } from "#domain/id";
import { endsLog } from "#domain/task/log";
import { isOver } from "#domain/task/run";
import { type Instant, NEVER } from "#domain/time/time";
import type { Wake } from "#ports/broker";
import type { Committed } from "#ports/store-turns";
import type { Workspace } from "../memory/workspace.js";

/**
 * What other nodes are told of a turn, after its commit: as little as makes them look.
 *
 * @param nextDueAt the earliest deadline that this node knew before the turn: of others only an earlier one is told
 * @param own this node, which is told nothing
 */
export function wakesOf(
  work: Workspace,
  committed: Committed,
  nextDueAt: Instant | undefined,
  own: NodeId | undefined,
): Wake[] {
  return [
    ...logWakes(work, committed),
    ...readyWakes(work),
    ...dueWakes(work, nextDueAt),
    ...templateWakes(work),
    ...agentWakes(work),
    ...pauseWakes(work),
    ...runWakes(work, own),
    ...workerWakes(work),
  ];
}

function logWakes({ log }: Workspace, { firstSeqs }: Committed): Wake[] {
  return log.map(({ taskId, entries }, i) => {
    const lastSeq = (firstSeqs[i] ?? 1) + entries.length - 1;
    return { type: "log", taskId, lastSeq, ended: endsLog(entries.at(-1)) };
  });
}

/** Of the lanes in which this turn has left Steps that became ready in it. */
function readyWakes(work: Workspace): Wake[] {
  const lanes = new Set<string>();
  for (const { after } of work.changes.steps) {
    if (after.state !== "enqueued") continue;
    const last = work.step({ taskId: after.taskId, stepName: after.name });
    if (last?.state === "enqueued") lanes.add(last.lane);
  }
  return [...lanes].map((lane) => ({ type: "ready", lane }));
}

function dueWakes({ deadlines }: Workspace, nextDueAt: Instant | undefined): Wake[] {
  let first = nextDueAt ?? Number.POSITIVE_INFINITY;
  let earliest: Instant | undefined;
  for (const { at } of deadlines) if (at !== NEVER && at < first) first = earliest = at;
  return earliest === undefined ? [] : [{ type: "due", at: earliest }];
}

function templateWakes({ templates }: Workspace): Wake[] {
  return templates.toCommit().map(({ namespace, name }) => ({ type: "template", namespace, name }));
}

function agentWakes({ agents }: Workspace): Wake[] {
  const { agents: announced, agentsForgotten } = agents.toCommit();
  return announced.length + agentsForgotten.length > 0 ? [{ type: "agents" }] : [];
}

function pauseWakes({ pauses }: Workspace): Wake[] {
  return pauses.toCommit() ? [{ type: "pauses" }] : [];
}

/** Of the Runs that the turn has ended while a worker of another node holds them: that node sends the cancel. */
function runWakes({ changes }: Workspace, own: NodeId | undefined): Wake[] {
  const wakes: Wake[] = [];
  for (const { after } of changes.runs) {
    if (after.node === undefined || after.node === own || after.heldBy === "" || !isOver(after.status))
      continue;
    wakes.push({ type: "run", node: after.node, runId: after.id });
  }
  return wakes;
}

function workerWakes({ workersElsewhere }: Workspace): Wake[] {
  return workersElsewhere.map(({ node, session }) => ({ type: "worker", node, session }));
}
