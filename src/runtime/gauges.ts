import type { SessionState } from "#domain/worker/worker";
import { actorNames } from "./machines/actors.js";
import type { Supervisor } from "./supervisor.js";

/**
 * Registers the gauges. Their values are computed when metrics are scraped. Values derived from rows are those of the
 * last commit; mailboxes, streams and watchers are not stored, and show the present state.
 */
export function showGauges(supervisor: Supervisor): void {
  const { core, bus, watchers, waiters } = supervisor;
  const { telemetry, memory } = core;
  const byActor = (read: (actor: (typeof actorNames)[number]) => number) => () =>
    actorNames.map((actor) => ({ labels: { actor }, value: read(actor) }));

  telemetry.gauge(
    "taskrun_mailbox_messages",
    byActor((actor) => bus.depth(actor).size),
  );
  telemetry.gauge(
    "taskrun_mailbox_capacity",
    byActor((actor) => bus.depth(actor).capacity),
  );
  telemetry.gauge("taskrun_messages_aside", () => supervisor.awaited.count);
  telemetry.gauge("taskrun_tasks_waiting", () => memory.committedWaiting);
  telemetry.gauge("taskrun_runs_held", () =>
    memory.roster.committed().reduce((sum, { held }) => sum + held, 0),
  );
  telemetry.gauge("taskrun_messages_parked", () => core.parked.count(core.clock.now())?.count ?? 0);
  telemetry.gauge("taskrun_unsent_bytes", () => core.leases.unsentBytes());
  telemetry.gauge("taskrun_lanes", () => memory.committedLanes);
  telemetry.gauge("taskrun_pauses", () => memory.pauses.committed.current(core.clock.now()).size);
  const { nodes } = supervisor;
  if (nodes) telemetry.gauge("taskrun_node_lease_seconds", () => nodes.secondsLeft);
  telemetry.gauge("taskrun_watchers", () => watchers.count);
  telemetry.gauge("taskrun_waiters", () => waiters.count);
  telemetry.gauge("taskrun_workers_connected", () => {
    const sessions = memory.roster.committed();
    const inState = (state: SessionState) => sessions.filter(({ row }) => row.state === state);
    const busy = inState("serving").filter(({ held }) => held > 0).length;
    return [
      { labels: { status: "idle" }, value: inState("serving").length - busy },
      { labels: { status: "busy" }, value: busy },
      { labels: { status: "draining" }, value: inState("draining").length },
      { labels: { status: "error" }, value: inState("failing").length },
    ];
  });
}
