import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SessionPool } from "./session-pool.js";

/** The connections to one server, opened as calls need them. */
export interface Connection {
  readonly transport: Transport;
  /** Ends all connections and every call on them. Idempotent. */
  close(): void;
}

export interface ConnectionOptions {
  /** How often a connection without traffic is pinged, in milliseconds: a dead one announces nothing. */
  readonly pingMs: number;
  /** The largest answer that is read. */
  readonly readMaxBytes: number;
  /** The largest message that is sent; no bound if left out. */
  readonly writeMaxBytes?: number;
}

/**
 * Prepares a connection to a gRPC listener; nothing is sent before the first call.
 *
 * @param url from `readAddress`
 */
export function connect(url: string, { pingMs, ...bounds }: ConnectionOptions): Connection {
  const sessionManager = new SessionPool(url, pingMs);
  const transport = createGrpcTransport({ baseUrl: url, sessionManager, acceptCompression: [], ...bounds });
  return { transport, close: () => sessionManager.close() };
}
