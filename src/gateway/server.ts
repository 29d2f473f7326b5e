import type { Transport } from "@connectrpc/connect";
import { ClientCertificates, type TermsByClient } from "#api/access/client-certificates";
import { Credentials } from "#api/access/credentials";
import type { KeyRing } from "#api/access/key-ring";
import type { TokenCallers } from "#api/access/token-callers";
import type { WatchTokens } from "#api/access/watch-tokens";
import { authorize } from "#api/authorize";
import { noFacts, type ServerFacts } from "#api/config/server-facts";
import type { Enrolment } from "#api/enrolment/enrolment";
import { InputReads } from "#api/runs/input-reads";
import { CreateRates, type RatesByNamespace } from "#api/tasks/create-rates";
import { OpenWatchers } from "#api/tasks/open-watchers";
import { ClientPlans } from "#api/templates/plans";
import { StoredReads } from "#api/use-case";
import { SubmittedAgents } from "#api/workers/submitted-agents";
import { TasksInHand } from "#api/workers/tasks-in-hand";
import { RoleTable } from "#domain/access/roles";
import { Fault } from "#domain/fault";
import type { ByNamespace } from "#domain/namespace-limits";
import type { DefaultBudgets } from "#domain/task/budget";
import { instant, type Millis } from "#domain/time/time";
import type { InspectionHub } from "#inspect/hub";
import type { AuditStore, AuditTrail } from "#ports/audit";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Telemetry } from "#ports/telemetry";
import { type AuthenticateParts, authenticate } from "./access/authenticate.js";
import { everybodyIsLocal, type Identify } from "./caller.js";
import { compatRouters } from "./compat.js";
import { admitsBy } from "./connections/client-certificate.js";
import { certificateNotes } from "./connections/refused-certificate.js";
import { rpcs, serviceNames } from "./handlers/index.js";
import { Health } from "./health.js";
import { connectHandlers } from "./http/connect.js";
import { admissionOf } from "./http/cors.js";
import { checkedPrefix, type HandlerOptions, type RequestHandler, requestHandler } from "./http/handler.js";
import type { MetricsSource } from "./http/pages.js";
import { routerOf } from "./http/routes.js";
import { type Addresses, type Bound, type ConnectionBounds, Listeners, type Mounts } from "./listeners.js";
import { LocalTransport } from "./local/transport.js";
import { drainingFault } from "./outcome.js";
import type { Served } from "./rpc.js";
import { OpenRequests } from "./traffic/open-requests.js";
import { OpenStreams } from "./traffic/streams.js";
import { Traffic } from "./traffic/traffic.js";

/** By what callers are known. */
export interface GatewayAccess {
  /** The API keys that callers are asked for; nobody is asked if left out. */
  readonly keys?: KeyRing | undefined;
  /** Tokens for the events of one Task, besides `keys`; none are made or taken if left out. */
  readonly watchTokens?: WatchTokens | undefined;
  /** Tokens that are taken beside them. */
  readonly tokens?: TokenCallers | undefined;
  /** What clients may do that are known by a certificate of the TLS's `callerCa`; none are if left out. */
  readonly clientCertificates?: TermsByClient | undefined;
  /** Makes workers of those who have a token, and knows them by their certificates; nobody enrols if left out. */
  readonly enrolment?: Enrolment | undefined;
}

export interface GatewaySettings extends Addresses, ConnectionBounds, GatewayAccess {
  readonly plane: Plane;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  /** Checks inputs against the schemas of templates. */
  readonly schemas: Schemas;
  /** The environment whose overrides of a template apply to new Tasks, e.g. `production`. */
  readonly environment: string;
  /** What the server tells of itself. Default: nothing but when it was opened. */
  readonly facts?: Omit<ServerFacts, "startedAt">;
  /** The metrics of `/metrics`; there is no such page if left out. */
  readonly metrics?: MetricsSource;
  /** What is shown under `/inspect` to callers of all namespaces; there is no such path if left out. */
  readonly inspection?: Pick<InspectionHub, "attach" | "replay">;
  readonly grpc: readonly string[];
  /** The audit log, and where refusals go; there is none if left out. */
  readonly audit?: { readonly trail: AuditTrail; readonly store: AuditStore };
  /** What roles may do. Default: those that every server has. */
  readonly roles?: RoleTable;
  /** How fast each namespace may create Tasks. Default: as it likes. */
  readonly createRates?: RatesByNamespace;
  /** What Tasks may use that ask for no budget. Default: as much as they like. */
  readonly budgets?: DefaultBudgets;
  /** How many may watch Tasks of each namespace at a time. Default: as many as like. */
  readonly openWatchers?: ByNamespace;
  /** What workers of orchestrator.v1 run, which do not say so. Default: what was asked for by its SubmitTask. */
  readonly orchestratorAgents?: readonly string[];
  /** Identifies the caller of a request. Default: by `keys`; without them every request is of the local caller. */
  readonly identify?: Identify;
  /** How long a message may take to be received, or an answer to be read, in milliseconds. Default 40 s. */
  readonly messageDeadline?: Millis;
}

/** All mounts of one table of handlers. */
export interface Gateway extends Bound {
  /** For clients and workers in this process: the same checks, limits and errors as over gRPC, without a socket. */
  readonly transport: Transport;
  /**
   * Listens on further addresses.
   *
   * @param access by what callers there are known; as at the other addresses if left out
   * @throws {Fault} `invalid` or `denied` for an address that must not be used, `unavailable` if one cannot be bound;
   *   then none of these addresses stays open
   */
  listen(addresses: Addresses, access?: GatewayAccess): Promise<Bound>;
  /**
   * A handler for a server of the host's: what an HTTP listener serves, under a prefix.
   *
   * @throws {Fault} `invalid` if the prefix is no path
   */
  handler(options?: HandlerOptions): RequestHandler;
  /**
   * Reports NOT_SERVING, ends the streams, refuses new requests, lets unary requests finish, and closes the connections
   * that are still open after `deadlineMs`. Never rejects; a second call does nothing.
   */
  close(deadlineMs: number): Promise<void>;
}

const noMetrics: MetricsSource = { contentType: "text/plain", render: async () => "" };

/**
 * Opens the listeners of a plane, all with the same table of handlers. Call `close` of the returned gateway at the end.
 *
 * @throws {Fault} what {@link Gateway.listen} throws; then no listener stays open
 */
export async function openGateway(settings: GatewaySettings): Promise<Gateway> {
  const { plane, entropy, telemetry, schemas, environment } = settings;
  const { metrics = noMetrics, inspection, facts: told = noFacts } = settings;
  const facts = { ...told, startedAt: plane.now() };
  const health = new Health(plane, serviceNames);
  const plans = new ClientPlans();
  const inputs = new InputReads(plane.reads);
  const { tracing } = telemetry;
  const { audit, budgets, createRates, openWatchers, roles = new RoleTable() } = settings;
  const creates = createRates && createRates.size > 0 ? new CreateRates(createRates) : undefined;
  const watchers = openWatchers && openWatchers.size > 0 ? new OpenWatchers(openWatchers) : undefined;
  const stored = new StoredReads(plane.reads);
  const submitted = new SubmittedAgents(settings.orchestratorAgents ?? []);
  const inHand = new TasksInHand();
  const shown = { plane, stored, plans, inputs, schemas, environment, facts, submitted, inHand };
  const services = { ...shown, entropy, authorize, tracing, audit, roles, budgets, creates, watchers };
  const traffic = new Traffic(telemetry, settings.messageDeadline);
  const streams = new OpenStreams(traffic.stalled);
  const requests = new OpenRequests();
  const followed = new WeakSet<KeyRing>();
  const mountsFor = (
    access: GatewayAccess,
    identify = identifyBy(access, { roles, audit: audit?.trail }),
  ): Mounts => {
    const { keys, watchTokens, enrolment } = access;
    if (keys && !followed.has(keys)) keys.onChange(streams.endWhere((caller) => keys.endOf(caller)));
    if (keys) followed.add(keys);
    const own = { ...services, keys, watchTokens, enrolment };
    const served: Served = { services: own, telemetry, health, identify };
    const handlers = connectHandlers(rpcs, served, streams, traffic.compressor);
    const parts = { handlers, rpcs, metrics, served, streams, inspection };
    const http = {
      ...{ router: routerOf(parts), telemetry, traffic, identify },
      ...{ admits: admitsBy(enrolment), notes: certificateNotes(audit?.trail) },
    };
    return {
      isAuthenticated: keys !== undefined,
      grpc: { rpcs, served, streams, traffic },
      http,
      compat: { "tasker-worker": { ...http, router: compatRouters["tasker-worker"](parts) } },
    };
  };
  const mounts = mountsFor(settings, settings.identify);
  const { http } = mounts;
  const { served } = mounts.grpc;
  const listeners = new Listeners(telemetry, settings);
  const stopped = () => (health.draining ? stoppedFault() : undefined);

  return {
    ...(await listeners.listen(settings, mounts)),
    transport: new LocalTransport({ rpcs, served, streams, requests, stopped }),
    listen: async (addresses, access) => {
      if (health.draining) throw stoppedFault();
      return listeners.listen(addresses, access ? mountsFor(access) : mounts);
    },
    handler: ({ prefix, allowedHosts = [], allowedOrigins = [] } = {}) => {
      const admission = admissionOf(allowedHosts, allowedOrigins);
      return requestHandler({ ...http, admission, requests }, checkedPrefix(prefix));
    },
    close: once((deadlineMs) => closeAll({ health, streams, requests, listeners }, deadlineMs)),
  };
}

function identifyBy(
  { keys, watchTokens, tokens, clientCertificates, enrolment: workers }: GatewayAccess,
  parts: Pick<AuthenticateParts, "roles" | "audit">,
): Identify {
  if (!keys) return everybodyIsLocal;
  const certificates =
    clientCertificates && new ClientCertificates(clientCertificates, () => instant(Date.now()));
  return authenticate(new Credentials(keys, tokens, certificates), { watchTokens, workers, ...parts });
}

interface Open {
  readonly health: Health;
  readonly streams: OpenStreams;
  readonly requests: OpenRequests;
  readonly listeners: Listeners;
}

async function closeAll({ health, streams, requests, listeners }: Open, deadlineMs: number): Promise<void> {
  health.drain();
  // Watchers of the health get NOT_SERVING before their stream is ended with the others.
  await new Promise(setImmediate);
  streams.drain(drainingFault());
  const closed = Promise.all([listeners.close(), requests.idle()]);
  if (await within(closed, deadlineMs)) return;

  listeners.destroy();
  requests.cut();
}

/** Of a request in this process once the gateway has begun to close. Not to be sent again: it opens no more. */
function stoppedFault(): Fault {
  const message = "the plane is stopping, or has stopped: start another one.";
  return new Fault("wrong_state", message, { reason: "PLANE_STOPPED" });
}

/** True if the promise resolves in time. */
async function within(done: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  try {
    return await Promise.race([done.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function once(close: (deadlineMs: number) => Promise<void>): Gateway["close"] {
  let closing: Promise<void> | undefined;
  return (deadlineMs) => {
    closing ??= close(deadlineMs);
    return closing;
  };
}
