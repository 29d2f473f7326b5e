/**
 * The composition root: the one file that knows every layer. A plane is built from its ports, gateways
 * are opened in front of it, and all of it is taken down again in the opposite order.
 */
import { CredentialWakes } from "#brokers/credential-wakes";
import { serverBroker } from "#brokers/server-broker";
import {
  defaultDeadLetterRetention,
  defaultRetention,
  defaultStaleTerms,
  defaultTerms,
  exposedBy,
  type ServerConfig,
} from "#config/index";
import { LOCAL_CALLER } from "#domain/caller";
import type { NamespaceLimits } from "#domain/namespace-limits";
import type { NodeInfo } from "#domain/node";
import type { RetentionRule } from "#domain/task/retention";
import type { StaleTerms } from "#domain/task/staleness";
import type { Millis } from "#domain/time/time";
import type { LeaseTerms } from "#domain/worker/worker";
import { openEdge } from "#edge";
import type { Bound } from "#gateway/listeners";
import { adminKeyIn } from "#host/access/admin-key";
import { openExportFolder } from "#host/archive/folder";
import type { InForce } from "#host/audit/changes";
import { openAudit, type ServerAudit } from "#host/audit/open";
import { nodeClock } from "#host/clock";
import { nodeEntropy } from "#host/entropy";
import { createLog, logPort } from "#host/log";
import { nodeSelf } from "#host/node-self";
import { jsonSchemas } from "#host/schemas";
import { silentTelemetry } from "#host/silent-telemetry";
import { nodeTelemetry } from "#host/telemetry";
import { openTemplateFolder, type TemplateFolder } from "#host/template-folder";
import { InspectionHub } from "#inspect/hub";
import { connectInspectors } from "#inspect/servers";
import { limits } from "#limits/index";
import type { TaskArchive } from "#ports/archive";
import type { PlaneAudit } from "#ports/audit";
import type { Broker } from "#ports/broker";
import type { StartableClock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";
import type { Inspection } from "#ports/inspection";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";
import type { Log, Telemetry } from "#ports/telemetry";
import { showGauges } from "#runtime/gauges";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import { startSweeps } from "#runtime/timers/sweeps";
import { serverStore } from "#stores/shared/server-store";
import { openTracing, traced } from "#tracing/open";

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
  const { inspection, broker, audit, namespaceLimits, retentionOf: rules = [], archive } = parts;
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

export interface RunningServer extends Bound {
  /** True if the listeners speak TLS. */
  readonly isTls: boolean;
  /** The file of the first credential; absent if nobody is asked for one, or if another server of the database has it. */
  readonly adminKey?: string;
  /** What clients are given to trust the server's own authority; absent if there is none. */
  readonly caPin?: string;
  /** What an operator should know of the start, a sentence each; empty if all is well. */
  readonly warnings: readonly string[];
  readonly failed: Promise<Error>;
  /** Drains, closes the listeners, closes the store. Bounded; the second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * A whole server: the plane over its store, and every listener the configuration names.
 *
 * @param store what the configuration names, if it is left out; it may be opening already
 * @param around what is served instead of the plane itself
 * @param done what an operator has done to the store before, for the audit log
 * @throws {Fault} if the store or an address cannot be opened; then nothing stays open
 */
export async function startServer(
  config: ServerConfig,
  log?: Log,
  store: Store = serverStore(config),
  around: (plane: Plane) => Plane = (plane) => plane,
  done: readonly InForce[] = [],
): Promise<RunningServer> {
  // Loading the gateway takes as long as opening a large store, which goes on in threads meanwhile.
  const loading = import("#gateway/server");
  loading.catch(() => {});
  const metrics = nodeTelemetry({ log: log ?? logPort(createLog({ level: config.logLevel })) });
  const traces = await serverTraces(metrics, config);
  const telemetry = traced(metrics, traces);
  const { lease, heartbeat, publicLease, acceptClock, stale } = config;
  const { retention, retentionOf, deadLetterRetention } = config;
  const hub = new InspectionHub({ telemetry, payloads: config.inspectPayloads });
  const wakes = new CredentialWakes(serverBroker(store, config.store, telemetry.log));
  const { broker } = wakes;
  const { audit, archive } = await booksOf(store, config, telemetry).catch(async (error: unknown) => {
    await traces?.close();
    await store.close();
    throw error;
  });
  const started = await startControlPlane({
    store,
    terms: { lease, heartbeat, publicLease },
    ...{ retention, deadLetterRetention, retentionOf, stale, acceptClock },
    ...(archive && { archive }),
    telemetry,
    inspection: hub,
    node: nodeSelf(config.grpc),
    namespaceLimits: config,
    ...(broker && { broker }),
    ...(audit && { audit }),
  }).catch(async (error: unknown) => {
    await traces?.close();
    throw error;
  });
  const stopControl = async () => {
    await started.stop();
    await traces?.close();
  };
  const control = { ...started, plane: around(started.plane), stop: stopControl };
  const opening = config.templates === "" ? undefined : watchTemplates(config.templates, control);
  const folder = await opening?.catch(async (error: unknown) => {
    await control.stop();
    throw error;
  });
  const { openGateway } = await loading;
  const takeDown = async (error: unknown) => {
    await folder?.stop();
    await control.stop();
    throw error;
  };
  await recordDone(audit, done).catch(takeDown);
  const { gateway, tls, access, ...edge } = await openEdge({
    ...{ ...control, config, telemetry, store, wakes, openGateway, hub },
    audit: audit?.log,
  }).catch(takeDown);

  const inspectors = await connectInspectors(config.inspect, { hub, log: telemetry.log });

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    control.drain();
    await folder?.stop();
    await gateway.close(limits.drain);
    await edge.close();
    await control.stop();
    await inspectors.stop();
  };
  return {
    grpc: gateway.grpc,
    http: gateway.http,
    ...(gateway.compat && { compat: gateway.compat }),
    isTls: tls !== undefined,
    ...(access && adminKeyIn(config.data)),
    ...(tls?.pin && { caPin: tls.pin }),
    warnings: warningsOf(control.plane, config),
    failed: control.failed,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Where its traces go; undefined if nobody collects them. */
function serverTraces(telemetry: ReturnType<typeof nodeTelemetry>, { otlp }: ServerConfig) {
  return openTracing({ ...telemetry, otlp, env: process.env, service: "taskrun", hasAgents: false });
}

/** The store first: what is wrong with the data directory it says best. */
async function auditOver(
  store: Store,
  config: ServerConfig,
  telemetry: Telemetry,
): Promise<ServerAudit | undefined> {
  await store.open?.();
  return openAudit(config, store, telemetry);
}

/** The audit log, and where it exports what retention removes; each undefined if it has none. */
async function booksOf(store: Store, config: ServerConfig, telemetry: Telemetry) {
  const audit = await auditOver(store, config, telemetry);
  const archive = await archiveOf(store, config).catch(async (error: unknown) => {
    await audit?.close();
    throw error;
  });
  return { audit, archive };
}

async function archiveOf(store: Store, { exportTo }: ServerConfig): Promise<TaskArchive | undefined> {
  if (exportTo === "") return undefined;
  const clock = nodeClock();
  return openExportFolder(exportTo, store.reads, () => clock.wall());
}

async function recordDone(audit: ServerAudit | undefined, done: readonly InForce[]): Promise<void> {
  for (const each of done) await audit?.log?.record({ actor: LOCAL_CALLER.principal, ...each });
}

function warningsOf({ health: { clock } }: Plane, config: ServerConfig): string[] {
  const open = exposedBy(config);
  const insecure = `insecure: everybody who reaches ${open.join(", ")} may do everything`;
  return [...(open.length > 0 ? [insecure] : []), ...(clock ? [clock.message] : [])];
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
