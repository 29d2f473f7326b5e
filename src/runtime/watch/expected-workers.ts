import type { RunRow } from "#domain/task/run";
import { type Instant, type Millis, millis } from "#domain/time/time";
import type { LeaseTerms, SessionRow } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { Core } from "../core.js";
import { Journal } from "../memory/journal.js";

/**
 * At boot: adds a detached session for every worker that held Runs when the last process ended. Its worker has
 * `limits.bootLeases` leases to reconnect and keep them.
 */
export function expectWorkers(held: readonly RunRow[], { leases, memory, terms, clock }: Core): void {
  const journal = new Journal();
  for (const run of held) {
    if (run.heldBy !== "" && !memory.roster.get(run.heldBy)) {
      memory.roster.attach(absentSession(run, clock.now()), journal);
      leases.expect(run.heldBy, patienceFor(run, terms), clock.now());
    }
    memory.followRun(undefined, run, journal);
  }
}

/** How long the worker that holds the Run has to come back. */
export function patienceFor({ instance }: RunRow, { publicLease, lease }: LeaseTerms): Millis {
  return millis((instance === "" ? publicLease : lease) * limits.bootLeases);
}

/** A session rebuilt from one of its Runs: enough to end the Runs when the worker does not reconnect. */
export function absentSession(run: RunRow, at: Instant): SessionRow {
  return {
    id: run.session,
    state: "detached",
    principal: run.principal,
    instance: run.instance,
    protocol: run.instance === "" ? 0 : 1,
    info: { workerId: run.workerId, hostname: "", version: "", agents: [], labels: {}, namespaces: [] },
    capacity: 0,
    connectedAt: at,
  };
}
