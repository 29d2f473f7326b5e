import { type Caller, mayUse } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { SessionId, TaskId, WorkerId } from "#domain/id";
import type { LogSlice } from "#domain/log";
import { taskNotFound, workerNotFound } from "#domain/refusals";
import type { ResolveAction } from "#domain/step";
import type { TaskDraft } from "#domain/task";
import type { TemplateRow } from "#domain/template";
import { utf8Bytes } from "#domain/text";
import type { SessionRow, WorkerStatus, WorkerView } from "#domain/worker";
import type { Plane, Receipt, WorkerLink, WorkerSink } from "#ports/plane";
import { asking } from "./asking.js";
import type { Supervisor } from "./supervisor.js";
import { WorkerConnection } from "./worker-connection.js";

/** The plane as the gateway sees it: their requests become messages, their reads go past the actors. */
export function openPlane(supervisor: Supervisor): Plane {
  const { core, watchers, timers, bus } = supervisor;
  const { roster } = core.memory;
  const { ask, change } = asking(supervisor);
  const view = (row: SessionRow): WorkerView => ({
    info: row.info,
    status: statusOf(row, roster.held(row.id).size),
    activeRuns: roster.held(row.id).size,
    capacity: row.capacity,
    lastHeartbeatAt: core.leases.lastHeard(row.id),
  });
  const connected = () => roster.rows().filter(({ state }) => state !== "detached" && state !== "gone");

  return {
    reads: core.store.reads,
    terms: core.terms,
    get ready() {
      return supervisor.serving && core.actors.stateOf("task-request") !== "draining";
    },

    get health() {
      const parked = core.parked.count(core.clock.now());
      const { trouble: clock } = supervisor.clockStarter;
      return { ...(parked && { parked }), ...(clock && { clock }) };
    },

    submit(caller: Caller, drafts: readonly TaskDraft[]): Promise<readonly (Receipt | Fault)[]> {
      const weight = drafts.reduce((sum, { input }) => sum + utf8Bytes(input), 0);
      for (const { plan } of drafts) if (plan) core.plans.keep(plan);
      return ask("task-request", { type: "submit", caller, drafts }, weight);
    },

    cancel: (caller: Caller, taskId: TaskId, message: string) =>
      change({ type: "cancel", caller, taskId, message }, 0),

    signal: (caller: Caller, taskId: TaskId, signal: string, payload: string) =>
      change({ type: "signal", caller, taskId, signal, payload }, utf8Bytes(payload)),

    resolve(caller: Caller, taskId: TaskId, stepName: string, action: ResolveAction): Promise<Receipt> {
      const weight = action.type === "complete" ? utf8Bytes(action.output) : 0;
      return change({ type: "resolve", caller, taskId, stepName, action }, weight);
    },

    register(caller: Caller, template: Omit<TemplateRow, "registeredAt">): Promise<TemplateRow> {
      return ask("task-request", { type: "register", caller, template }, utf8Bytes(template.source));
    },

    async drainWorker(caller: Caller, workerId: WorkerId, message: string): Promise<WorkerView> {
      const session = await ask<SessionId>(
        "run-tracker",
        { type: "drain.worker", caller, workerId, message },
        0,
      );
      const row = roster.get(session);
      if (!row) throw workerNotFound(workerId);
      return view(row);
    },

    workers: (caller) =>
      connected()
        .filter((row) => mayServe(row, caller))
        .map(view),

    watch(caller, taskId, afterSeq, signal): AsyncIterable<LogSlice> {
      const mayWatch = async () => {
        if (caller.namespaces === "*") return;
        const detail = await core.store.reads.task(taskId);
        if (!detail || !mayUse(caller, detail.task.namespace)) throw taskNotFound(taskId);
      };
      return watchers.watch(taskId, afterSeq, signal, mayWatch);
    },

    connect(caller: Caller, sink: WorkerSink): WorkerLink {
      const room = () => bus.room("run-tracker");
      const drained = () => supervisor.drained();
      return new WorkerConnection(caller, sink, {
        core,
        timers,
        drained,
        post: (mail) => supervisor.post(mail),
        room,
      });
    },
  };
}

function statusOf({ state }: SessionRow, held: number): WorkerStatus {
  if (state === "draining") return "DRAINING";
  if (state === "failing") return "ERROR";
  return held > 0 ? "BUSY" : "IDLE";
}

/** A caller sees the workers of its own principal and those that serve a namespace of its own. */
function mayServe({ info, principal }: SessionRow, caller: Caller): boolean {
  return principal === caller.principal || info.namespaces.some((namespace) => mayUse(caller, namespace));
}
