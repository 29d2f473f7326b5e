import { setup } from "xstate";
import type { RunRow } from "#domain/run";
import { type Instant, later, NEVER } from "#domain/time";
import { type Command, commands } from "../commands.js";
import { actorStates } from "../life.js";
import type { Placement, SchedulerEvent, SchedulerFound, Slots } from "./messages.js";
import { affordable, choose, type Served } from "./placement.js";

export interface SchedulerContext {
  readonly served: Served;
}

const parts = setup({
  types: { context: {} as SchedulerContext, events: {} as SchedulerEvent },
  actions: commands,
});

const place = parts.enqueueActions(({ enqueue, context, event }) => {
  if (event.type !== "schedule") return;
  const { lanes, workers, runIds } = event.found;
  const { placements, served } = choose(lanes, workers, runIds, context.served, event.at);
  enqueue.assign({ served });
  if (placements.length > 0) {
    enqueue({ type: "tell", params: { to: "scheduler", message: { type: "weigh", placements } } });
  }
});

/** Rows say how much there is to load before it is loaded. What is left out goes in a later turn. */
const weigh = parts.enqueueActions(({ enqueue, context, event }) => {
  if (event.type !== "weigh") return;
  const { placements, served } = affordable(event.placements, event.found, context.served);
  const leftOut = event.placements.length - placements.length;
  if (leftOut > 0) {
    enqueue.assign({ served });
    enqueue({ type: "reply", params: { answer: { type: "scheduled", leftOut } } });
  }
  if (placements.length > 0) {
    enqueue({ type: "tell", params: { to: "scheduler", message: { type: "assign", placements } } });
  }
});

const assignRuns = parts.enqueueActions(({ enqueue, event }) => {
  if (event.type !== "assign") return;
  for (const command of makeRuns(event.placements, event.found, event.at)) enqueue(command);
});

/** The Run and its Step move together, so that a cancel and an assignment meet on one row. */
function makeRuns(placements: readonly Placement[], found: SchedulerFound, at: Instant): Command[] {
  const ordinals = new Map(found.workers.map(({ session, lastOrdinal }) => [session.id, lastOrdinal]));
  return placements.flatMap((placement, i): Command[] => {
    const rows = found.rows[i];
    const worker = found.workers.find(({ session }) => session.id === placement.session);
    if (rows?.step.state !== "enqueued" || !worker) return [];

    const { taskId, stepName, runId } = placement;
    const ordinal = (ordinals.get(worker.session.id) ?? 0) + 1;
    ordinals.set(worker.session.id, ordinal);
    return [
      { type: "advanceStep", params: { taskId, stepName, message: { type: "start", at, runId } } },
      { type: "createRun", params: { run: runOf(placement, rows, worker, ordinal, at) } },
      { type: "advanceRun", params: { runId, message: { type: "assign", at } } },
      ...startClock(rows.step, at),
    ];
  });
}

/** An attempt may take only so long. */
function startClock({ taskId, name: stepName, spec }: Rows["step"], at: Instant): Command[] {
  if (spec.timeoutMs === 0) return [];
  const due = later(at, spec.timeoutMs);
  return [{ type: "setDeadline", params: { taskId, stepName, kind: "attempt", at: due } }];
}

type Rows = NonNullable<SchedulerFound["rows"][number]>;

function runOf(
  { runId: id }: Placement,
  { step, task }: Rows,
  { session }: Slots,
  ordinal: number,
  at: Instant,
): RunRow {
  return {
    id,
    taskId: task.id,
    stepName: step.name,
    namespace: task.namespace,
    revision: 0,
    status: "PENDING",
    heldBy: "",
    session: session.id,
    principal: session.principal,
    workerId: session.info.workerId,
    instance: session.instance,
    agentName: step.agentName,
    fence: step.fence + 1,
    attempt: step.attempts + 1,
    ordinal,
    createdAt: at,
    startedAt: NEVER,
    finishedAt: NEVER,
    reason: "",
    errorMessage: "",
    backend: null,
    nextSeq: 0,
    outputBytes: 0,
  };
}

const listens = {
  schedule: { actions: "place" },
  weigh: { actions: "weigh" },
  assign: { actions: "assignRuns" },
} as const;

/** Decides which ready Step gets which worker now. Remembers only how often each namespace was served. */
export const schedulerMachine = parts.extend({ actions: { place, weigh, assignRuns } }).createMachine({
  id: "scheduler",
  context: { served: {} },
  initial: "starting",
  states: actorStates(listens, {}),
});
