import type { StaleTerms } from "#domain/task/staleness";
import type { Plane } from "#ports/plane";
import { agentOperations } from "./plane/agents.js";
import { cancel } from "./plane/cancel.js";
import { connect } from "./plane/connect.js";
import { drainWorker } from "./plane/drain-worker.js";
import { explainOperations } from "./plane/explain.js";
import { nodes } from "./plane/nodes.js";
import { pauseOperations } from "./plane/pauses.js";
import { register } from "./plane/register.js";
import { resolve } from "./plane/resolve.js";
import { signal } from "./plane/signal.js";
import { submit } from "./plane/submit.js";
import { topUp } from "./plane/top-up.js";
import { updateDeadLetter } from "./plane/update-dead-letter.js";
import { wait } from "./plane/wait.js";
import { watch } from "./plane/watch.js";
import { workers } from "./plane/workers.js";
import type { Supervisor } from "./supervisor.js";

/**
 * The plane as use cases see it. A request that changes something becomes a message to an actor and is answered after
 * the commit; reads go to the store directly.
 *
 * @param stale when a Task that rests is to be looked at
 */
export function openPlane(supervisor: Supervisor, stale: StaleTerms): Plane {
  const { core } = supervisor;
  return {
    reads: core.store.reads,
    terms: core.terms,
    get ready() {
      return supervisor.serving && core.actors.stateOf("task-request") !== "draining";
    },

    get health() {
      const parked = core.parked.count(core.clock.now());
      const { trouble: clock } = supervisor.clockStarter;
      const store = core.store.outage?.();
      return { ...(parked && { parked }), ...(clock && { clock }), ...(store && { store }) };
    },

    get node() {
      return supervisor.nodes?.own;
    },

    submit: submit(supervisor),
    cancel: cancel(supervisor),
    signal: signal(supervisor),
    resolve: resolve(supervisor),
    topUp: topUp(supervisor),
    updateDeadLetter: updateDeadLetter(supervisor),
    register: register(supervisor),
    drainWorker: drainWorker(supervisor),
    workers: workers(supervisor),
    nodes: nodes(supervisor),
    ...agentOperations(supervisor),
    ...pauseOperations(supervisor),
    ...explainOperations(supervisor, stale),
    watch: watch(supervisor),
    wait: wait(supervisor),
    connect: connect(supervisor),
  };
}
