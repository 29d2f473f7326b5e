import type { CounterName, GaugeName, HistogramName } from "#ports/telemetry";

/**
 * The labels of each metric. Their values come from small closed sets: an id would make a new series for every Task.
 * `docs/metrics.md` lists them.
 */
export const metricLabels = {
  taskrun_tasks_created_total: [],
  taskrun_tasks_finished_total: ["status"],
  taskrun_runs_assigned_total: [],
  taskrun_runs_finished_total: ["status", "reason"],
  taskrun_output_chunks_total: [],
  taskrun_output_bytes_total: [],
  taskrun_reports_refused_total: ["cause"],
  taskrun_mailbox_refused_total: ["actor"],
  taskrun_turns_total: ["outcome"],
  taskrun_effects_failed_total: ["part"],
  taskrun_verdicts_awaited_total: [],
  taskrun_units_lost_total: [],
  taskrun_node_renewals_total: ["outcome"],
  taskrun_node_polls_total: ["outcome"],
  taskrun_nodes_taken_over_total: [],
  taskrun_node_lease_seconds: [],
  taskrun_requests_total: ["rpc", "door", "code"],
  taskrun_connections_refused_total: ["door", "bound"],
  taskrun_connections_ended_total: ["door", "cause"],
  taskrun_tls_failures_total: ["door", "cause"],
  taskrun_messages_cut_total: ["direction", "cause"],
  taskrun_messages_undecodable_total: ["door", "reason"],
  taskrun_dead_letters_total: ["reason"],
  taskrun_tokens_total: ["namespace", "agent", "model", "kind"],
  taskrun_cost_usd_micros_total: ["namespace", "agent", "model"],
  taskrun_tasks_removed_total: [],
  taskrun_spans_total: ["outcome"],
  taskrun_certificates_issued_total: ["way"],
  taskrun_certificates_refused_total: ["way", "reason"],
  taskrun_workers_revoked_total: [],
  taskrun_inspect_dropped_total: [],
  taskrun_audit_syslog_lost_total: [],

  taskrun_turn_seconds: [],
  taskrun_commit_seconds: [],
  taskrun_commit_rows: [],
  taskrun_turn_messages: [],
  taskrun_task_wait_seconds: [],
  taskrun_task_seconds: [],
  taskrun_request_seconds: ["rpc"],

  taskrun_mailbox_messages: ["actor"],
  taskrun_mailbox_capacity: ["actor"],
  taskrun_dead_letters_pending: ["reason"],
  taskrun_messages_aside: [],
  taskrun_tasks_waiting: [],
  taskrun_workers_connected: ["status"],
  taskrun_runs_held: [],
  taskrun_messages_parked: [],
  taskrun_unsent_bytes: [],
  taskrun_lanes: [],
  taskrun_pauses: [],
  taskrun_store_tasks: ["namespace"],
  taskrun_store_bytes: ["namespace", "of"],
  taskrun_store_counted_timestamp_seconds: [],
  taskrun_watchers: [],
  taskrun_waiters: [],
  taskrun_certificate_seconds: [],
  taskrun_authority_seconds: ["which"],
  taskrun_authority_phase: ["phase"],
  taskrun_connections: ["door"],
} as const satisfies Record<CounterName | HistogramName | GaugeName, readonly string[]>;

/** Buckets of turns, commits and requests: from a commit in memory to a hanging disk. */
const MACHINE_SECONDS = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** Buckets of Tasks: from an idle Worker to a day of waiting. */
const TASK_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200, 86_400];

/** Upper bounds of each histogram's buckets. The largest counts are the limits of a turn. */
export const histogramBuckets: Readonly<Record<HistogramName, readonly number[]>> = {
  taskrun_turn_seconds: MACHINE_SECONDS,
  taskrun_commit_seconds: MACHINE_SECONDS,
  taskrun_request_seconds: MACHINE_SECONDS,
  taskrun_commit_rows: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000],
  taskrun_turn_messages: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  taskrun_task_wait_seconds: TASK_SECONDS,
  taskrun_task_seconds: TASK_SECONDS,
};
