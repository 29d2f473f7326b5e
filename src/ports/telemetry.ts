import type { Tracing } from "./tracing.js";

/**
 * Fields of a log entry: the ids it concerns, and anything else that JSON can hold. Ids never become metric labels.
 *
 * @example
 * ```ts
 * import type { LogFields } from "taskrun/ports/telemetry";
 *
 * const fields: LogFields = { taskId: "TASK_ID", attempt: 2 };
 * ```
 */
export interface LogFields {
  readonly taskId?: string;
  readonly runId?: string;
  readonly workerId?: string;
  readonly sessionId?: string;
  readonly [field: string]: unknown;
}

/**
 * A structured log with four levels. Entries must not contain secrets or payloads.
 *
 * @example
 * ```ts
 * import type { Log } from "taskrun/ports/telemetry";
 *
 * const log: Log = {
 *   debug: () => {},
 *   info: (message, fields) => console.log(message, fields),
 *   warn: (message, fields) => console.warn(message, fields),
 *   error: (message, fields) => console.error(message, fields),
 * };
 * ```
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/**
 * Log, metrics and traces. An adapter maps the names to its own system. No method may throw. Label values come from small closed
 * sets, never ids; `docs/metrics.md` lists them.
 *
 * @example A plane that counts finished Tasks
 * ```ts
 * import { startControlPlane } from "taskrun";
 * import type { Log, Telemetry } from "taskrun/ports/telemetry";
 * import { memoryStore } from "taskrun/stores/memory";
 *
 * const quiet: Log = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error };
 * let finished = 0;
 * const telemetry: Telemetry = {
 *   log: quiet,
 *   count: (name, _labels, by = 1) => {
 *     if (name === "taskrun_tasks_finished_total") finished += by;
 *   },
 *   observe: () => {},
 *   gauge: () => {},
 * };
 * const control = await startControlPlane({ store: memoryStore(), telemetry });
 * ```
 */
export interface Telemetry {
  readonly log: Log;
  /** @param by how much to add. Default 1 */
  count(name: CounterName, labels?: Readonly<Record<string, string>>, by?: number): void;
  observe(name: HistogramName, value: number, labels?: Readonly<Record<string, string>>): void;
  /** Registers a gauge. `read` is called at each scrape and must be cheap. */
  gauge(name: GaugeName, read: () => number | readonly LabelledValue[]): void;
  /** Records spans; absent if nobody traces. */
  readonly tracing?: Tracing;
}

/**
 * One series of a gauge.
 *
 * @example
 * ```ts
 * import type { LabelledValue, Telemetry } from "taskrun/ports/telemetry";
 *
 * function watchWorkers(telemetry: Telemetry, idle: () => number): void {
 *   const read = (): LabelledValue[] => [{ labels: { status: "IDLE" }, value: idle() }];
 *   telemetry.gauge("taskrun_workers_connected", read);
 * }
 * ```
 */
export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Every metric of the plane, with its meaning; `docs/metrics.md` lists them, and a test keeps the two equal. */
export const counters = {
  taskrun_tasks_created_total: "Tasks accepted and durable.",
  taskrun_tasks_finished_total: "Tasks that reached a terminal state, by status.",
  taskrun_runs_assigned_total: "Runs handed to workers.",
  taskrun_runs_finished_total: "Runs that ended, by status and reason.",
  taskrun_output_chunks_total: "Output chunks made durable.",
  taskrun_output_bytes_total:
    "Output, events and chat made durable, in bytes as they count against a run's limit.",
  taskrun_reports_refused_total:
    "Worker reports that changed nothing, being stale, foreign or unknown, that were cut (too_long), or that failed their run (invalid), by cause.",
  taskrun_mailbox_refused_total: "Messages a full mailbox refused, by actor.",
  taskrun_turns_total: "Turns taken, by outcome.",
  taskrun_effects_failed_total:
    "Answers, frames and the like of a commit that failed, by part; the log says how.",
  taskrun_verdicts_awaited_total:
    "Checks by a schema that were too costly for a turn, so that their message was put aside.",
  taskrun_units_lost_total:
    "Messages decided again because another node had changed what they rest on, once for each time.",
  taskrun_requests_total: "Requests served, by rpc, listener and code.",
  taskrun_connections_refused_total:
    "Connections closed at once because there were too many, by listener and bound.",
  taskrun_connections_ended_total: "HTTP/2 connections that this side ended, by listener and cause.",
  taskrun_tls_failures_total: "TLS handshakes that failed, by listener and cause.",
  taskrun_messages_cut_total: "Requests and answers that peers did not finish sending or reading, by cause.",
  taskrun_messages_undecodable_total:
    "Requests that could not be decoded: malformed, cut short, empty, with unknown names; by listener and reason.",
  taskrun_dead_letters_total: "Tasks that have come to need a person, by reason.",
  taskrun_tokens_total:
    "Tokens that agents reported, by namespace, agent, model and kind: input, output, or cached, which are part of the input. What is beyond a bound of names is (other).",
  taskrun_cost_usd_micros_total:
    "What models cost as far as it is known, in millionths of a US dollar, by namespace, agent and model.",
  taskrun_tasks_removed_total: "Finished tasks removed by retention.",
  taskrun_spans_total: "Spans of traces, by outcome: exported, failed, or dropped because too many waited.",
  taskrun_node_renewals_total: "Renewals of this node's lease, by outcome.",
  taskrun_node_polls_total: "Times that this node asked the store what others have changed, by outcome.",
  taskrun_nodes_taken_over_total: "Nodes that were gone and that this one has taken over.",
  taskrun_certificates_issued_total:
    "Certificates signed for workers and recorded, by way: enrolled or renewed.",
  taskrun_certificates_refused_total:
    "Requests of workers for a certificate that were refused, by way and reason; other is none of enrolment.",
  taskrun_workers_revoked_total: "Enrolled workers that were revoked here.",
  taskrun_inspect_dropped_total: "Events that viewers of the inspector did not take in time.",
  taskrun_audit_syslog_lost_total: "Checkpoints of the audit log that could not be sent to syslog.",
} as const;
export type CounterName = keyof typeof counters;

export const histograms = {
  taskrun_turn_seconds: "Time of one turn from drain to perform.",
  taskrun_commit_seconds: "Time of one commit.",
  taskrun_commit_rows: "Rows written by one commit.",
  taskrun_turn_messages: "Messages taken by one turn.",
  taskrun_task_wait_seconds: "Time from creation to the first run.",
  taskrun_task_seconds: "Time from creation to the end.",
  taskrun_request_seconds: "Time to answer a unary request, by rpc.",
} as const;
export type HistogramName = keyof typeof histograms;

export const gauges = {
  taskrun_dead_letters_pending: "Dead letters that are pending, by reason; counted once a minute.",
  taskrun_mailbox_messages: "Messages waiting, by actor.",
  taskrun_mailbox_capacity: "Messages an actor's mailbox can hold, by actor.",
  taskrun_messages_aside: "Messages put aside until a value is checked by a schema.",
  taskrun_tasks_waiting: "Tasks that wait for their first run.",
  taskrun_workers_connected: "Connected workers, by status.",
  taskrun_runs_held: "Runs in workers' hands.",
  taskrun_messages_parked: "Messages that cannot be decided and are tried again later.",
  taskrun_unsent_bytes: "Bytes of frames that workers' transports have not taken yet.",
  taskrun_lanes: "Lanes with ready steps.",
  taskrun_pauses: "Scopes that are paused.",
  taskrun_store_tasks:
    "Tasks in the store, by namespace: those with the most bytes, and other; counted now and then, see taskrun_store_counted_timestamp_seconds.",
  taskrun_store_bytes:
    "Bytes in the store, by namespace, as those of taskrun_store_tasks, and of what: inputs, results or logs.",
  taskrun_store_counted_timestamp_seconds:
    "Unix time at which all that is in the store was last counted; 0 before. A scrape begins it when it is due.",
  taskrun_watchers: "Open watch streams.",
  taskrun_waiters: "Requests that wait for the end of a Task.",
  taskrun_node_lease_seconds: "Time that this node goes on for if its lease is not renewed.",
  taskrun_connections: "Open connections, by listener.",
  taskrun_certificate_seconds: "Time until the end of the server's certificate; absent without TLS.",
  taskrun_authority_seconds:
    "Time until the end of the server's own authority, by which: root, the next root while it is rotated, or issuing, which signs for workers.",
  taskrun_authority_phase: "1 for the phase in which the rotation of the authority is, 0 for the others.",
} as const;
export type GaugeName = keyof typeof gauges;
