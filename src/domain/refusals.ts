import { limits } from "#limits/index";
import { Fault } from "./fault.js";
import type { RunId, TaskId, WorkerId } from "./id.js";
import { nearest } from "./nearest.js";
import { type TaskRow, taskStatus } from "./task/task.js";
import { type TemplateRef, templateKey } from "./template/template.js";
import type { Instant } from "./time/time.js";
import type { SessionRow } from "./worker/worker.js";

/**
 * Faults whose texts clients of the public protocol compare. A resource of another's namespace is refused with the same
 * text as one that does not exist.
 */
export function taskNotFound(id: string): Fault {
  return new Fault("not_found", `Task not found: ${id}`, { reason: "TASK_NOT_FOUND" });
}

export function deadLetterNotFound(id: string): Fault {
  const message = `no dead letter of task ${id}: it has not failed for good, and was never held or stale`;
  return new Fault("not_found", message, { reason: "DEAD_LETTER_NOT_FOUND" });
}

/**
 * Why a log cannot be read after this seq; undefined if it can.
 *
 * @param bounds the seqs of the first entry that is kept and of the last one
 */
export function cursorRefused(
  afterSeq: number,
  { earliest, last }: { readonly earliest: number; readonly last: number },
): Fault | undefined {
  const field = "after_seq";
  if (afterSeq > last) {
    const message = `after_seq ${afterSeq} is past the last event, ${last}`;
    return new Fault("cursor_ahead", message, { field, metadata: { last_seq: String(last) } });
  }
  if (afterSeq + 1 >= earliest) return undefined;
  const message = `events before ${earliest} are no longer kept; watch from there`;
  return new Fault("cursor_expired", message, { field, metadata: { earliest_seq: String(earliest) } });
}

/** @param names those of the Task's Steps, in order */
export function stepNotFound(taskId: TaskId, stepName: string, names: readonly string[]): Fault {
  const near = nearest(stepName, names);
  const known = names.slice(0, limits.shownStepNames).map((name) => `"${name}"`);
  const more = names.length > known.length ? ` and ${names.length - known.length} more` : "";
  const way = near === undefined ? `its Steps are ${known.join(", ")}${more}.` : `did you mean "${near}"?`;
  return new Fault("not_found", `Step "${stepName}" not found in Task ${taskId}; ${way}`, {
    reason: "STEP_NOT_FOUND",
  });
}

export function runNotFound(id: RunId): Fault {
  return new Fault("not_found", `Run not found: ${id}`, { field: "run_id", reason: "RUN_NOT_FOUND" });
}

/** @param versions the existing ones, for people; empty if there are none that the caller may see */
export function templateNotFound(ref: TemplateRef, versions = ""): Fault {
  const wanted = ref.version === "" ? `${ref.namespace}/${ref.name}` : templateKey(ref);
  const way = versions === "" ? "register it first" : `its versions are ${versions}`;
  return new Fault("not_found", `Template not found: ${wanted}; ${way}.`, { reason: "TEMPLATE_NOT_FOUND" });
}

export function workerNotFound(id: WorkerId): Fault {
  return new Fault("not_found", `Worker ${id} not found`, { reason: "WORKER_NOT_FOUND" });
}

/** A worker id is one principal's for as long as a session has it. */
export function workerIdTaken(id: WorkerId): Fault {
  const message =
    `worker id "${id}" is in use under another credential. Give this worker an id of its own, or stop the other one: an ` +
    `admin may drain it (taskrun worker drain ${id}); the id is free when its session has ended.`;
  return new Fault("denied", message, { field: "info.worker_id", reason: "WORKER_ID_TAKEN" });
}

/** A worker speaks only of Runs that were given to workers of its own principal. */
export function runNotYours(id: RunId): Fault {
  const message = `run ${id} was not given to a worker of your credential: report only on your own.`;
  return new Fault("denied", message, { field: "run_id", reason: "RUN_NOT_YOURS" });
}

export function alreadyEnded(task: TaskRow): Fault {
  const status = taskStatus(task);
  const ending = status.charAt(0) + status.slice(1).toLowerCase();
  const message = `Task ${task.id} is already in terminal state: ${ending}`;
  return new Fault("wrong_state", message, { reason: "TASK_ENDED", metadata: { status } });
}

/** What distinguishes a worker process from others with the same worker id. */
export type WorkerProcess = Pick<SessionRow, "instance" | "connectedAt"> & {
  readonly hostname: string;
};

export function processOf({ instance, connectedAt, info: { hostname } }: SessionRow): WorkerProcess {
  return { instance, connectedAt, hostname };
}

/**
 * The fault that ends a worker's stream when another stream of the same worker takes over, from the same or another
 * process.
 */
export function superseded(workerId: WorkerId, by: WorkerProcess | undefined): Fault {
  if (!by) {
    const message = `worker "${workerId}" has opened another stream; two processes need two worker ids`;
    return new Fault("unavailable", message, { reason: "SUPERSEDED", metadata: { worker_id: workerId } });
  }
  const message = `another process has taken over the worker id "${workerId}": ${inWords(by)}. ${TWO_IDS}`;
  const metadata = {
    worker_id: workerId,
    by_instance: shown(by.instance),
    by_hostname: by.hostname,
    by_connected_at_ms: String(by.connectedAt),
  };
  return new Fault("unavailable", message, { reason: "SUPERSEDED", metadata });
}

/** The notice for a process that has taken over, at this instant. */
export function takenOver(workerId: WorkerId, from: WorkerProcess, at: Instant): string {
  const seconds = Math.round((at - from.connectedAt) / 1_000);
  const which = `${inWords(from)}, connected for ${seconds} s`;
  return `another process served under the worker id "${workerId}", and has lost its stream and its runs to this one: ${which}. ${TWO_IDS}`;
}

const TWO_IDS = "Give each process an id of its own, or stop one of them.";

function inWords({ hostname, instance }: WorkerProcess): string {
  const where = hostname === "" ? "on a host it does not name" : `on host ${hostname}`;
  return instance === "" ? where : `${where}, instance ${shown(instance)}`;
}

/**
 * A prefix of the instance id, enough to distinguish two. The whole id is secret: with it a process can resume its
 * Runs.
 */
function shown(instance: string): string {
  return instance.slice(0, 8);
}

export function namespaceDenied(namespace: string): Fault {
  const message = `namespace "${namespace}" is not yours to use; name one of your own, or none.`;
  return new Fault("denied", message, { field: "namespace" });
}
