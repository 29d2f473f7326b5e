import type { Fault } from "#domain/fault";
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
  readonly http: Omit<HttpParts, "admission" | "connections" | "tls">;
}

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
    const { grpc = [], http = [], allowedHosts = [], allowedOrigins = [], insecure = false, tls } = settings;
    const addresses = { grpc: grpc.map(parseAddress), http: http.map(parseAddress) };
    const isSafe = tls !== undefined && mounts.isAuthenticated;
    for (const address of [...addresses.grpc, ...addresses.http]) checkReach(address, insecure || isSafe);
    const opened: Listener[] = [];
    const open = (listener: Listener, address: Address): Promise<number> => {
      opened.push(listener);
      this.#open.add(listener);
      return bind(listener.server, address);
    };
    const hosts = [...allowedHosts, ...addresses.http.map(({ host }) => host)];
    const admission = admissionOf(hosts, allowedOrigins);
    const parts = {
      grpc: { ...mounts.grpc, connections: this.#connections.grpc, tls },
      http: { ...mounts.http, connections: this.#connections.http, admission, tls },
    };
    const log = this.#log;
    try {
      const bound = {
        grpc: await bindAll(addresses.grpc, (address) => open(grpcListener(parts.grpc), address), log),
        http: await bindAll(addresses.http, (address) => open(httpListener(parts.http), address), log),
      };
      const isOpen = (address: string) => !isLoopback(parseAddress(address).host);
      if (!isSafe) mounts.grpc.served.health.exposed([...bound.grpc, ...bound.http].filter(isOpen));
      return bound;
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close()));
      for (const listener of opened) this.#open.delete(listener);
      throw error;
    }
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
