/**
 * Joins a plane of its ports: the store, the actors over it, and what looks after both while it runs. Who serves it, `server.ts` or
 * `embedded/`, opens a gateway in front of it.
 */
import { defaultDeadLetterRetention, defaultRetention, defaultStaleTerms, defaultTerms } from "#config/index";
import type { Restoration } from "#domain/incarnation";
import type { NamespaceLimits } from "#domain/namespace-limits";
import type { NodeInfo } from "#domain/node";
import type { Prices } from "#domain/task/prices";
import type { RetentionRule } from "#domain/task/retention";
import type { StaleTerms } from "#domain/task/staleness";
import type { Millis } from "#domain/time/time";
import type { LeaseTerms } from "#domain/worker/worker";
import { nodeClock } from "#host/clock";
import { nodeEntropy } from "#host/entropy";
import { nodeSelf } from "#host/node-self";
import { jsonSchemas } from "#host/schemas";
import { silentTelemetry } from "#host/silent-telemetry";
import { openTemplateFolder, type TemplateFolder } from "#host/template-folder";
import type { TaskArchive } from "#ports/archive";
import type { PlaneAudit } from "#ports/audit";
import type { Broker } from "#ports/broker";
import type { StartableClock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";
import type { Inspection } from "#ports/inspection";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import { showGauges } from "#runtime/gauges";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import { startSweeps } from "#runtime/timers/sweeps";

export interface ControlPlaneParts {
  readonly store: Store;
  /** Default: heartbeats every 5 s, leases of 30 s, 90 s for public workers. */
  readonly terms?: LeaseTerms;
  /** How long an ended Task is kept. Default 7 days. */
  readonly retention?: Millis;
  /** How long one is kept at least while its dead letter is pending. Default 30 days. */
  readonly deadLetterRetention?: Millis;
  /** How long others are kept, by namespace and status. Default: as all. */
  readonly retentionOf?: readonly RetentionRule[];
  /** Where ended Tasks are kept before they are removed. Default: nowhere. */
  readonly archive?: TaskArchive;
  /** When a Task that rests is to be looked at. Default: those of a server. */
  readonly stale?: StaleTerms;
  /** The wall clock is right at this start, however far it is from what the store remembers. Default false. */
  readonly acceptClock?: boolean;
  readonly telemetry?: Telemetry;
  readonly clock?: StartableClock;
  readonly entropy?: Entropy;
  /** Checks inputs and results against the schemas of templates. Default: ajv. */
  readonly schemas?: Schemas;
  /** Carries wakes to and from the other nodes of a shared store. Default: none, and changes are found by polling. */
  readonly broker?: Broker;
  /** What this node says of itself to others that share its store. Default: its version and host. */
  readonly node?: Omit<NodeInfo, "id">;
  /** Who is told what turns decide. Default: nobody. */
  readonly inspection?: Inspection;
  /** What each namespace may have. Default: no more than bounds them all. */
  readonly namespaceLimits?: NamespaceLimits;
  /** What models cost, by their names. Default: nobody knows. */
  readonly prices?: Prices;
  /** The audit log, which is closed with the plane. Default: there is none. */
  readonly audit?: PlaneAudit;
}

export interface ControlPlane {
  readonly plane: Plane;
  /** What it was started with, for a gateway. */
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  readonly schemas: Schemas;
  /** Settles with the reason if the plane can no longer go on, e.g. because the disk has failed. */
  readonly failed: Promise<Error>;
  /** The restoration with which this life of the store began; undefined if it was never restored. */
  readonly restored: Restoration | undefined;
  /** Takes no new Tasks from now on. */
  drain(): void;
  /** Decides what has been taken in, then closes the store. Leases survive: Runs go on under the next start. */
  stop(): Promise<void>;
}

/**
 * A plane without a gateway, for embedding: open one with `openGateway`, or call `plane` itself.
 *
 * @throws {Fault} what {@link Store.boot} throws, e.g. reason `STORE_LOCKED`; then the store is closed
 */
export async function startControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const { store, terms = defaultTerms, retention = defaultRetention, telemetry = silentTelemetry() } = parts;
  const { clock = nodeClock(), schemas = jsonSchemas(), acceptClock = false } = parts;
  const { deadLetterRetention = defaultDeadLetterRetention, stale = defaultStaleTerms } = parts;
  const { inspection, broker, audit, namespaceLimits, prices, retentionOf: rules = [], archive } = parts;
  const { entropy = nodeEntropy(() => clock.now()), node = nodeSelf() } = parts;
  let onFatal: (error: Error) => void = () => {};
  const failed = new Promise<Error>((resolve) => {
    onFatal = resolve;
  });
  const ports = {
    store,
    clock,
    entropy,
    telemetry,
    schemas,
    ...(inspection && { inspection }),
    ...(broker && { broker }),
    ...(audit && { audit: audit.open }),
    ...(namespaceLimits && { namespaceLimits }),
    ...(prices && { prices }),
  };
  const supervisor = new Supervisor({ ...ports, node, terms, acceptClock, onFatal });
  await supervisor.start().catch(async (error: unknown) => {
    await audit?.close();
    throw error;
  });
  audit?.start();
  showGauges(supervisor);
  const kept = { others: retention, rules, pending: deadLetterRetention };
  const stopSweeps = startSweeps(supervisor, kept, stale, archive);

  return {
    plane: openPlane(supervisor, stale),
    entropy,
    telemetry,
    schemas,
    failed,
    restored: supervisor.core.memory.restored,
    drain: () => supervisor.drain(),
    async stop() {
      stopSweeps();
      await supervisor.stop();
      await audit?.close();
      if (!parts.schemas) await schemas.close();
      await store.close();
    },
  };
}

/**
 * Registers all templates of a folder, and those that change later.
 *
 * @param folder absolute path
 * @throws {Fault} `invalid` if it cannot be read
 */
export async function watchTemplates(
  folder: string,
  { plane, telemetry: { log }, schemas }: ControlPlane,
): Promise<TemplateFolder> {
  const { readWhole } = await import("#api/templates/template-source");
  return openTemplateFolder({ folder, plane, log, read: (source) => readWhole(source, schemas) });
}
