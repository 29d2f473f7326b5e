import { addressesByName, type CompatAddress, type CompatName, compatPorts } from "#domain/compat";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { Telemetry } from "#ports/telemetry";
import type { TlsSource } from "#ports/tls";
import {
  type Address,
  bindFault,
  checkReach,
  formatAddress,
  isAbsent,
  isLoopback,
  parseAddress,
} from "./connections/address.js";
import { Connections } from "./connections/connections.js";
import { bind, type Listener } from "./connections/listener.js";
import { type GrpcParts, grpcListener } from "./grpc/grpc.js";
import { admissionOf } from "./http/cors.js";
import { type HttpParts, httpListener } from "./http/http.js";

/** Where to listen, and to whom. */
export interface Addresses {
  /** Addresses of native gRPC, as `HOST:PORT`; port 0 takes any free port. */
  readonly grpc?: readonly string[];
  /** Addresses of HTTP: Connect, gRPC-Web, gRPC, health and metrics. None if left out. */
  readonly http?: readonly string[];
  /** Further addresses, at which clients of other systems look. */
  readonly compat?: readonly CompatAddress[];
  /** Host names, in addition to loopback ones, under which browsers may call the HTTP listeners; `*` allows all. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages on other servers that may call the HTTP listeners, e.g. `https://app.example`. */
  readonly allowedOrigins?: readonly string[];
  /** The server's certificate; without it the listeners speak plaintext. */
  readonly tls?: TlsSource;
  /** True allows addresses that other machines can reach. */
  readonly insecure?: boolean;
}

/** The addresses that were bound, as `HOST:PORT`, in the order in which they were given. */
export interface Bound {
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  /** Those for clients of other systems, by the systems' names; absent if none was asked for. */
  readonly compat?: Readonly<Partial<Record<CompatName, readonly string[]>>>;
}

export interface ConnectionBounds {
  /** Most connections of all gRPC listeners, and as many of all HTTP listeners. Default 1 024. */
  readonly connections?: number;
  /**
   * Most of them from one remote address that have not identified themselves. Default 256; no bound on the loopback.
   */
  readonly connectionsPerAddress?: number;
}

/** What is served on some addresses, and whom it asks for a credential. */
export interface Mounts {
  /** True if callers are asked for one. */
  readonly isAuthenticated: boolean;
  readonly grpc: Omit<GrpcParts, "connections">;
  readonly http: HttpMount;
  /** What the addresses of a name serve over HTTP, where that differs. */
  readonly compat: Readonly<Partial<Record<CompatName, HttpMount>>>;
}

export type HttpMount = Omit<HttpParts, "admission" | "connections" | "tls">;

/** The listeners of one gateway, and their connections. */
export class Listeners {
  readonly #log: Telemetry["log"];
  readonly #connections: { readonly grpc: Connections; readonly http: Connections };
  readonly #open = new Set<Listener>();

  constructor(telemetry: Telemetry, bounds: ConnectionBounds) {
    const { connections = limits.connections, connectionsPerAddress = limits.connectionsPerAddress } = bounds;
    this.#log = telemetry.log;
    this.#connections = {
      grpc: new Connections({ connections, connectionsPerAddress }, "grpc", telemetry),
      http: new Connections({ connections, connectionsPerAddress }, "http", telemetry),
    };
    telemetry.gauge("taskrun_connections", () =>
      Object.entries(this.#connections).map(([door, { open }]) => ({ labels: { door }, value: open })),
    );
  }

  /**
   * Listens on all addresses. One that this machine does not have is skipped, as long as another of the list is bound.
   *
   * @throws {Fault} `invalid` or `denied` for an address that must not be used, `unavailable` if one cannot be bound;
   *   then none of these addresses stays open
   */
  async listen(settings: Addresses, mounts: Mounts): Promise<Bound> {
    const { insecure = false, tls } = settings;
    const groups = this.#groupsOf(settings, mounts);
    const isSafe = tls !== undefined && mounts.isAuthenticated;
    for (const { addresses } of groups)
      for (const address of addresses) checkReach(address, insecure || isSafe);
    const opened: Listener[] = [];
    const open = (listener: Listener, address: Address): Promise<number> => {
      opened.push(listener);
      this.#open.add(listener);
      return bind(listener.server, address);
    };
    const bound: Record<string, readonly string[]> = {};
    try {
      for (const { name, addresses, listener } of groups) {
        bound[name] = await bindAll(name, addresses, (address) => open(listener(), address), this.#log);
      }
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close()));
      for (const listener of opened) this.#open.delete(listener);
      throw error;
    }
    const isOpen = (address: string) => !isLoopback(parseAddress(address).host);
    if (!isSafe) mounts.grpc.served.health.exposed(Object.values(bound).flat().filter(isOpen));
    const { grpc = [], http = [], ...compat } = bound;
    return { grpc, http, ...(Object.keys(compat).length > 0 && { compat }) };
  }

  /** What is to be opened: those of gRPC, those of HTTP, and those of each other system. */
  #groupsOf(settings: Addresses, mounts: Mounts): Group[] {
    const { grpc = [], http = [], compat = [], allowedHosts = [], allowedOrigins = [], tls } = settings;
    const others = addressesByName(compat).map(([name, texts]) => ({
      name,
      addresses: texts.map(parseAddress),
    }));
    const asked = { grpc: grpc.map(parseAddress), http: http.map(parseAddress) };
    const ofHttp = others.filter(({ name }) => compatPorts[name].protocol === "http");
    const hosts = [...asked.http, ...ofHttp.flatMap(({ addresses }) => addresses)].map(({ host }) => host);
    const admission = admissionOf([...allowedHosts, ...hosts], allowedOrigins);
    const ofGrpc = () => grpcListener({ ...mounts.grpc, connections: this.#connections.grpc, tls });
    const overHttp = (mount: HttpMount) => () =>
      httpListener({ ...mount, connections: this.#connections.http, admission, tls });
    return [
      { name: "grpc", addresses: asked.grpc, listener: ofGrpc },
      { name: "http", addresses: asked.http, listener: overHttp(mounts.http) },
      ...others.map(({ name, addresses }) => {
        const isHttp = compatPorts[name].protocol === "http";
        const listener = isHttp ? overHttp(mounts.compat[name] ?? mounts.http) : ofGrpc;
        return { name, addresses, listener };
      }),
    ];
  }

  /** Accepts nothing more. Resolves when the last connection is closed. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((listener) => listener.close()));
  }

  /** Closes all connections at once. */
  destroy(): void {
    for (const listener of this.#open) listener.destroy();
  }
}

/** Addresses with the same listeners. */
interface Group {
  readonly name: "grpc" | "http" | CompatName;
  readonly addresses: readonly Address[];
  listener(): Listener;
}

async function bindAll(
  name: Group["name"],
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
      const fault = named(name, bindFault(address, error));
      if (!isAbsent(fault)) throw fault;
      absent.push(fault);
    }
  }
  const [first] = absent;
  if (first && bound.length === 0) throw first;
  for (const fault of absent) log.warn(fault.message, { bound });
  return bound;
}

/** The fault, with the setting that asks for the address if its port does not tell. */
function named(name: Group["name"], fault: Fault): Fault {
  if (name === "grpc" || name === "http") return fault;
  const { code, message, reason, cause } = fault;
  return new Fault(code, `compat ${name}: ${message}`, { reason: reason ?? "BIND_FAILED", cause });
}
