import { actorNames } from "./actors.js";
import type { Supervisor } from "./supervisor.js";

/** What a scrape reads from memory; nothing is counted for it in between. */
export function showGauges(supervisor: Supervisor): void {
  const { core, bus, watchers } = supervisor;
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
  telemetry.gauge("taskrun_tasks_waiting", () => memory.waiting);
  telemetry.gauge("taskrun_runs_held", () => memory.roster.heldCount);
  telemetry.gauge("taskrun_messages_parked", () => core.parked.count(core.clock.now())?.count ?? 0);
  telemetry.gauge("taskrun_unsent_bytes", () => core.leases.unsentBytes());
  telemetry.gauge("taskrun_lanes", () => memory.backlog.size);
  telemetry.gauge("taskrun_watchers", () => watchers.count);
  telemetry.gauge("taskrun_workers_connected", () => {
    const rows = memory.roster.rows();
    const inState = (...states: string[]) => rows.filter(({ state }) => states.includes(state));
    const busy = inState("serving").filter(({ id }) => memory.roster.held(id).size > 0).length;
    return [
      { labels: { status: "idle" }, value: inState("serving").length - busy },
      { labels: { status: "busy" }, value: busy },
      { labels: { status: "draining" }, value: inState("draining").length },
      { labels: { status: "error" }, value: inState("failing").length },
    ];
  });
}
