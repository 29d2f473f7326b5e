import type { NamespaceLimits } from "#domain/namespace-limits";
import type { NodeInfo } from "#domain/node";
import type { Prices } from "#domain/task/prices";
import type { LeaseTerms } from "#domain/worker/worker";
import type { Broker } from "#ports/broker";
import type { StartableClock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";
import type { Inspection } from "#ports/inspection";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import type { AuditPart } from "./nodes/node-life.js";

/** What a supervisor is made of: the ports, and the settings of the plane. */
export interface SupervisorParts extends AuditPart {
  readonly store: Store;
  readonly clock: StartableClock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  readonly schemas: Schemas;
  readonly terms: LeaseTerms;
  /** Carries wakes to and from the other nodes of a shared store. Default: none, and only looking into the store finds changes. */
  readonly broker?: Broker;
  /** Who is told what turns decide. Default: nobody. */
  readonly inspection?: Inspection;
  /** What this node says of itself to others that share its store. */
  readonly node?: Omit<NodeInfo, "id">;
  /** What an operator lets each namespace have. Default: no such limits. */
  readonly namespaceLimits?: NamespaceLimits;
  /** What models cost, as an operator says. Default: nobody knows. */
  readonly prices?: Prices;
  /** Messages each actor's mailbox holds. */
  readonly mailbox?: number;
  /** The wall clock is right at this start, however far it is from what the store remembers. */
  readonly acceptClock?: boolean;
  /** The store can no longer be trusted: the process should end. */
  readonly onFatal: (error: Error) => void;
}
