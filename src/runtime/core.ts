import type { Plans } from "#domain/plans";
import type { LeaseTerms } from "#domain/worker";
import type { Clock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import type { Actors } from "./actors.js";
import type { Leases } from "./leases.js";
import type { Memory } from "./memory.js";
import type { ParkedMessages } from "./parked.js";
import type { TakeoverLog } from "./takeovers.js";

/** What every part of the runtime works with: the ports, and what the plane keeps in memory. */
export interface Core {
  readonly store: Store;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  readonly schemas: Schemas;
  readonly terms: LeaseTerms;
  readonly memory: Memory;
  readonly plans: Plans;
  readonly leases: Leases;
  readonly parked: ParkedMessages;
  readonly actors: Actors;
  readonly takeovers: TakeoverLog;
}
