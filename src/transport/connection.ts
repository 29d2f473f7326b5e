import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { shownAddress } from "./address.js";
import { ConnectFailed } from "./connect-failed.js";
import { SessionPool } from "./session-pool.js";
import type { Trust } from "./trust.js";

/** The connections to one server, opened as calls need them. */
export interface Connection {
  readonly transport: Transport;
  /** Ends all connections and every call on them. Idempotent. */
  close(): void;
}

/** What a client shows in the handshake, as PEM. */
export interface ClientCertificate {
  /** The certificate, followed by those that lead to its authority. */
  readonly cert: string;
  readonly key: string;
}

export interface ConnectionOptions {
  /** How often a connection without traffic is pinged, in milliseconds: a dead one announces nothing. */
  readonly pingMs: number;
  /** The largest answer that is read. */
  readonly readMaxBytes: number;
  /** The largest message that is sent; no bound if left out. */
  readonly writeMaxBytes?: number;
  /** What the server is told of who calls. */
  readonly apiKey?: string | undefined;
  /** Whom to trust to be the server, if it speaks TLS; Node's own authorities if left out. */
  readonly trust?: Trust | undefined;
  /** What connections show that are made from now on; nothing if left out. */
  readonly certificate?: (() => ClientCertificate) | undefined;
  /** True if connections show what it is when they are made; else what it was when the first of them was prepared. */
  readonly followsCertificate?: boolean;
}

/**
 * Prepares a connection to a gRPC listener; nothing is sent before the first call.
 *
 * @param url from `readAddress`
 */
export function connect(
  url: string,
  { pingMs, trust, apiKey, certificate, followsCertificate = false, ...bounds }: ConnectionOptions,
): Connection {
  const first = certificate?.();
  const shown = followsCertificate ? certificate : first && (() => first);
  const sessionManager = new SessionPool(url, pingMs, trust, shown);
  const explained: Interceptor = (next) => async (request) => {
    if (apiKey !== undefined) request.header.set("authorization", `Bearer ${apiKey}`);
    try {
      return await next(request);
    } catch (error) {
      const { hasHeard, isClosed } = sessionManager;
      const isUnheard = url.startsWith("http:") && !hasHeard && !isClosed && !request.signal.aborted;
      throw isUnheard && !ConnectFailed.is(error)
        ? new ConnectFailed(shownAddress(url), new Error(SILENT))
        : error;
    }
  };
  const options = { baseUrl: url, sessionManager, acceptCompression: [], interceptors: [explained] };
  const transport = createGrpcTransport({ ...options, ...bounds });
  return { transport, close: () => sessionManager.close() };
}

/** What a server does that speaks TLS, when a client does not; perhaps a proxy without a server behind it does the same. */
const SILENT = "it ends the connection before it has said anything: if it speaks TLS, write https://";
