import type { AddressInfo, Server } from "node:net";
import type { Server as GrpcServer } from "@grpc/grpc-js";
import { LOCAL_CALLER } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Telemetry } from "#ports/telemetry";
import { type Address, bindFault, checkReach, formatAddress, isAbsent, parseAddress } from "./address.js";
import { connectHandlers } from "./connect.js";
import { bindGrpc, grpcServer } from "./grpc.js";
import { rpcs, serviceNames } from "./handlers/index.js";
import { Health } from "./health.js";
import { type HttpDoor, httpDoor } from "./http.js";
import type { MetricsSource } from "./http-pages.js";
import { InputReads } from "./input-reads.js";
import { drainingFault } from "./outcome.js";
import { ClientPlans } from "./plans.js";
import type { Call } from "./rpc.js";
import { OpenStreams } from "./streams.js";

export interface DoorSettings {
  readonly plane: Plane;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  /** Checks inputs against the schemas of templates. */
  readonly schemas: Schemas;
  /** Whose overrides of a template new Tasks run with, e.g. `production`. */
  readonly environment: string;
  /** What `/metrics` answers with; nothing if left out. */
  readonly metrics?: MetricsSource;
  /** Where to serve native gRPC, as `HOST:PORT`; port 0 takes any free one. */
  readonly grpc: readonly string[];
  /** Where to serve HTTP: Connect, gRPC-Web, gRPC, health and metrics. Nowhere if left out. */
  readonly http?: readonly string[];
  /** Names, beside loopback ones, by which browsers may call the HTTP doors. */
  readonly allowedHosts?: readonly string[];
  /** Allows addresses that other machines can reach. */
  readonly insecure?: boolean;
}

export interface Doors {
  /** The addresses that were bound, as `HOST:PORT`, in the order asked for. */
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  /**
   * Says NOT_SERVING, ends the streams, refuses what is new, lets unary requests finish, and closes what is
   * still open after `deadlineMs`. Never rejects; the second call does nothing.
   */
  close(deadlineMs: number): Promise<void>;
}

const noMetrics: MetricsSource = { contentType: "text/plain", render: async () => "" };

/**
 * Opens every door of a plane: one table of handlers behind all of them.
 *
 * @throws {Fault} `invalid` or `denied` for an address that must not be used, `unavailable` if one cannot be
 *   bound; then none stays open
 */
export async function openDoors(settings: DoorSettings): Promise<Doors> {
  const { plane, entropy, telemetry, schemas, environment } = settings;
  const { metrics = noMetrics, insecure = false } = settings;
  const addresses = { grpc: settings.grpc.map(parseAddress), http: (settings.http ?? []).map(parseAddress) };
  for (const address of [...addresses.grpc, ...addresses.http]) checkReach(address, insecure);

  const health = new Health(plane, serviceNames);
  const streams = new OpenStreams();
  const plans = new ClientPlans(plane.reads);
  const inputs = new InputReads(plane.reads);
  const caller = LOCAL_CALLER;
  const call: Call = { plane, entropy, telemetry, health, caller, schemas, environment, plans, inputs };
  const grpc = grpcServer(rpcs, call, streams);
  const handlers = connectHandlers(rpcs, call, streams);
  const hosts = [...(settings.allowedHosts ?? []), ...addresses.http.map(({ host }) => host)];
  const allowedHosts = new Set(hosts.map((host) => host.toLowerCase()));
  const httpDoors: HttpDoor[] = [];
  const openHttp = (address: Address): Promise<number> => {
    const door = httpDoor({ handlers, health, metrics, allowedHosts, log: telemetry.log });
    httpDoors.push(door);
    return listen(door.server, address);
  };

  try {
    const { log } = telemetry;
    return {
      grpc: await bindAll(addresses.grpc, (address) => bindGrpc(grpc, formatAddress(address)), log),
      http: await bindAll(addresses.http, openHttp, log),
      close: once((deadlineMs) => closeAll({ health, streams, grpc, httpDoors }, deadlineMs)),
    };
  } catch (error) {
    grpc.forceShutdown();
    await Promise.all(httpDoors.map((door) => door.close()));
    throw error;
  }
}

/** Binds all; an address that this machine lacks is left out, as long as another of the list is bound. */
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

function listen(server: Server, { host, port }: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

interface Open {
  readonly health: Health;
  readonly streams: OpenStreams;
  readonly grpc: GrpcServer;
  readonly httpDoors: readonly HttpDoor[];
}

async function closeAll({ health, streams, grpc, httpDoors }: Open, deadlineMs: number): Promise<void> {
  health.drain();
  // Those who watch the health hear of it before their stream is ended with the others.
  await new Promise(setImmediate);
  streams.drain(drainingFault());
  const closed = Promise.all([
    new Promise<void>((resolve) => grpc.tryShutdown(() => resolve())),
    ...httpDoors.map((door) => door.close()),
  ]);
  if (await within(closed, deadlineMs)) return;

  grpc.forceShutdown();
  for (const door of httpDoors) door.destroy();
}

/** True if it is done in time. */
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

function once(close: (deadlineMs: number) => Promise<void>): Doors["close"] {
  let closing: Promise<void> | undefined;
  return (deadlineMs) => {
    closing ??= close(deadlineMs);
    return closing;
  };
}
