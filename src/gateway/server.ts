import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { authorize } from "#api/authorize";
import { InputReads } from "#api/runs/input-reads";
import { ClientPlans } from "#api/templates/plans";
import type { Fault } from "#domain/fault";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Telemetry } from "#ports/telemetry";
import { everybodyIsLocal, type Identify } from "./caller.js";
import {
  type Address,
  bindFault,
  checkReach,
  formatAddress,
  isAbsent,
  parseAddress,
} from "./connections/address.js";
import { Connections } from "./connections/connections.js";
import { bind, type Listener } from "./connections/listener.js";
import { grpcListener } from "./grpc/grpc.js";
import { rpcs, serviceNames } from "./handlers/index.js";
import { Health } from "./health.js";
import { connectHandlers } from "./http/connect.js";
import { type HttpHandler, httpListener } from "./http/http.js";
import { type MetricsSource, pageRoutes } from "./http/pages.js";
import { type Route, Router } from "./http/router.js";
import { drainingFault } from "./outcome.js";
import type { Served } from "./rpc.js";
import { OpenStreams } from "./traffic/streams.js";
import { Traffic } from "./traffic/traffic.js";

export interface GatewaySettings {
  readonly plane: Plane;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  /** Checks inputs against the schemas of templates. */
  readonly schemas: Schemas;
  /** The environment whose overrides of a template apply to new Tasks, e.g. `production`. */
  readonly environment: string;
  /** The metrics of `/metrics`; there is no such page if left out. */
  readonly metrics?: MetricsSource;
  /** Addresses of native gRPC, as `HOST:PORT`; port 0 takes any free port. */
  readonly grpc: readonly string[];
  /** Addresses of HTTP: Connect, gRPC-Web, gRPC, health and metrics. None if left out. */
  readonly http?: readonly string[];
  /** Host names, in addition to loopback ones, under which browsers may call the HTTP listeners. */
  readonly allowedHosts?: readonly string[];
  /** True allows addresses that other machines can reach. */
  readonly insecure?: boolean;
  /** Most connections of all gRPC listeners, and as many of all HTTP listeners. Default 1 024. */
  readonly connections?: number;
  /**
   * Most of them from one remote address that have not identified themselves. Default 256; no bound on the loopback.
   */
  readonly connectionsPerAddress?: number;
  /** Identifies the caller of a request. Default: every request is of the local caller. */
  readonly identify?: Identify;
  /** How long a message may take to be received, or an answer to be read, in milliseconds. Default 40 s. */
  readonly messageDeadline?: Millis;
}

export interface Gateway {
  /** The addresses that were bound, as `HOST:PORT`, in the order of the settings. */
  readonly grpc: readonly string[];
  readonly http: readonly string[];
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
 * @throws {Fault} `invalid` or `denied` for an address that must not be used, `unavailable` if one cannot be bound;
 *   then no listener stays open
 */
export async function openGateway(settings: GatewaySettings): Promise<Gateway> {
  const { plane, entropy, telemetry, schemas, environment } = settings;
  const { metrics = noMetrics, insecure = false, identify = everybodyIsLocal } = settings;
  const addresses = { grpc: settings.grpc.map(parseAddress), http: (settings.http ?? []).map(parseAddress) };
  for (const address of [...addresses.grpc, ...addresses.http]) checkReach(address, insecure);

  const health = new Health(plane, serviceNames);
  const plans = new ClientPlans(plane.reads);
  const inputs = new InputReads(plane.reads);
  const services = { plane, entropy, schemas, environment, plans, inputs, authorize };
  const served: Served = { services, telemetry, health, identify };
  const traffic = new Traffic(telemetry, settings.messageDeadline);
  const streams = new OpenStreams(traffic.stalled);
  const bounds = {
    connections: settings.connections ?? limits.connections,
    connectionsPerAddress: settings.connectionsPerAddress ?? limits.connectionsPerAddress,
  };
  const connections = {
    grpc: new Connections(bounds, "grpc", telemetry),
    http: new Connections(bounds, "http", telemetry),
  };
  telemetry.gauge("taskrun_connections", () =>
    Object.entries(connections).map(([door, { open }]) => ({ labels: { door }, value: open })),
  );
  const handlers = connectHandlers(rpcs, served, streams, traffic.compressor);
  const hosts = [...(settings.allowedHosts ?? []), ...addresses.http.map(({ host }) => host)];
  const allowedHosts = new Set(hosts.map((host) => host.toLowerCase()));
  const listeners: Listener[] = [];
  const open = (listener: Listener, address: Address): Promise<number> => {
    listeners.push(listener);
    return bind(listener.server, address);
  };
  const openGrpc = (address: Address) =>
    open(grpcListener({ rpcs, served, streams, connections: connections.grpc, traffic }), address);
  const pages = pageRoutes(health, metrics);
  const router = new Router<HttpHandler>([
    ...handlers.map((handler) => rpcRoute(handler)),
    ...pages.map(({ handler: page, ...route }) => ({ ...route, handler: { kind: "page", page } as const })),
  ]);
  const http = { router, allowedHosts, telemetry, connections: connections.http, traffic };
  const openHttp = (address: Address) => open(httpListener(http), address);

  try {
    const { log } = telemetry;
    return {
      grpc: await bindAll(addresses.grpc, openGrpc, log),
      http: await bindAll(addresses.http, openHttp, log),
      close: once((deadlineMs) => closeAll({ health, streams, listeners }, deadlineMs)),
    };
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

/**
 * Routes of the rpcs. They accept any HTTP method: which ones are allowed depends on the protocol, and the handler
 * checks.
 */
function rpcRoute(handler: UniversalHandler): Route<HttpHandler> {
  return { methods: "*", path: handler.requestPath, handler: { kind: "rpc", handler } };
}

/** Binds all addresses. One that this machine does not have is skipped, as long as another of the list is bound. */
async function bindAll(
  addresses: readonly Address[],
  bind: (address: Address) => Promise<number>,
  log: Telemetry["log"],
): Promise<readonly string[]> {
  const bound: string[] = [];
  const absent: Fault[] = [];
  for (const address of addresses) {
    try {
      bound.push(formatAddress({ ...address, port: await bind(address) }));
    } catch (error) {
      const fault = bindFault(address, error);
      if (!isAbsent(fault)) throw fault;
      absent.push(fault);
    }
  }
  const [first] = absent;
  if (first && bound.length === 0) throw first;
  for (const fault of absent) log.warn(fault.message, { bound });
  return bound;
}

interface Open {
  readonly health: Health;
  readonly streams: OpenStreams;
  readonly listeners: readonly Listener[];
}

async function closeAll({ health, streams, listeners }: Open, deadlineMs: number): Promise<void> {
  health.drain();
  // Watchers of the health get NOT_SERVING before their stream is ended with the others.
  await new Promise(setImmediate);
  streams.drain(drainingFault());
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  if (await within(closed, deadlineMs)) return;

  for (const listener of listeners) listener.destroy();
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
