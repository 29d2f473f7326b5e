import type { Plans } from "#domain/graph/plans";
import type { NodeId } from "#domain/id";
import type { ByNamespace } from "#domain/namespace-limits";
import type { NodeInfo } from "#domain/node";
import type { Prices } from "#domain/task/prices";
import type { LeaseTerms } from "#domain/worker/worker";
import type { AuditTrail } from "#ports/audit";
import type { Clock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";
import type { Inspection } from "#ports/inspection";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import type { Actors } from "./machines/actors.js";
import type { DailyOutput } from "./memory/daily-output.js";
import type { Memory } from "./memory/memory.js";
import type { Leases } from "./timers/leases.js";
import type { ParkedMessages } from "./turn/parked.js";
import type { UsageMetrics } from "./turn/usage-metrics.js";
import type { TakeoverLog } from "./watch/takeovers.js";

/** What every part of the runtime works with: the ports, and what the plane keeps in memory. */
export interface Core {
  readonly store: Store;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  readonly schemas: Schemas;
  readonly inspection: Inspection;
  readonly terms: LeaseTerms;
  readonly memory: Memory;
  readonly plans: Plans;
  readonly leases: Leases;
  readonly parked: ParkedMessages;
  readonly actors: Actors;
  readonly takeovers: TakeoverLog;
  /** How many Tasks may wait in each namespace, as an operator says. */
  readonly waitingTasks: ByNamespace;
  /** Counts what Runs write; undefined if nobody limits it. */
  readonly output: DailyOutput | undefined;
  /** What models cost, as an operator says. */
  readonly prices: Prices;
  /** Counts in the metrics what agents have used. */
  readonly usageMetrics: UsageMetrics;
  /** What this server says of itself where nodes are listed. */
  readonly self: Omit<NodeInfo, "id">;
  /** What this node is called among those that share the store; undefined if it is alone. */
  readonly node: NodeId | undefined;
  /** Where what operators do is written; undefined if there is no audit log. */
  readonly audit: AuditTrail | undefined;
}
