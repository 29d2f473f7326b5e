import type { RunTrackerMessage } from "#actors/run-tracker/messages";
import type { NodeId, RunId } from "#domain/id";
import type { RunRow } from "#domain/task/run";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { NodeStore } from "#ports/nodes";
import type { Core } from "../core.js";
import { patienceFor } from "../watch/expected-workers.js";

export interface TakeOverParts {
  readonly core: Core;
  readonly node: NodeId;
  readonly store: Pick<NodeStore, "takeOver" | "runsOf">;
  /** Resolves when the message is committed. */
  readonly ask: (message: RunTrackerMessage) => Promise<unknown>;
  /** Call when a lease has begun. */
  readonly arm: () => void;
}

/**
 * Takes over what nodes have left behind whose lease has ended: their Runs name this node from then on, and their workers have
 * `limits.bootLeases` leases to come back, to any node. What fails is begun again: the next poll names the node once more.
 */
export class TakeOver {
  readonly #parts: TakeOverParts;
  #going: Promise<void> | undefined;

  constructor(parts: TakeOverParts) {
    this.#parts = parts;
  }

  /** Takes over these nodes one after the other, unless it is at it already. */
  begin(dead: readonly (NodeId | "")[]): void {
    if (dead.length === 0 || this.#going) return;
    this.#going = this.#takeAll(dead)
      .catch((err: unknown) =>
        this.#parts.core.telemetry.log.warn("a node could not be taken over yet", { err }),
      )
      .finally(() => {
        this.#going = undefined;
      });
  }

  async #takeAll(dead: readonly (NodeId | "")[]): Promise<void> {
    const { store, node, core } = this.#parts;
    for (const id of dead) {
      if (!(await store.takeOver(id, node))) continue;
      const runs = await this.#adoptAll(id);
      core.telemetry.count("taskrun_nodes_taken_over_total");
      core.telemetry.log.warn("a node is gone; this one looks after its runs", { node: id || "none", runs });
    }
  }

  /** Returns how many Runs there were. */
  async #adoptAll(from: NodeId | ""): Promise<number> {
    const { store, ask } = this.#parts;
    let count = 0;
    let after: RunId | undefined;
    do {
      const runs = await store.runsOf(from, after, limits.takeOverRuns);
      after = runs.length < limits.takeOverRuns ? undefined : runs.at(-1)?.id;
      if (runs.length === 0) break;
      await ask({ type: "adopt", from, runIds: runs.map(({ id }) => id) });
      count += runs.length;
      this.#expect(runs);
    } while (after !== undefined);
    return count;
  }

  #expect(runs: readonly RunRow[]): void {
    const { core, arm } = this.#parts;
    for (const run of runs) {
      const session = run.heldBy;
      if (session === "" || !core.memory.roster.get(session) || core.leases.until(session) !== NEVER)
        continue;
      core.leases.expect(session, patienceFor(run, core.terms), core.clock.now());
    }
    arm();
  }
}
