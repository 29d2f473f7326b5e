import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { limits } from "#limits/index";

/** The default gRPC address of a control plane. */
export const DEFAULT_ADDR = "localhost:50051";
const DEFAULT_PORT = 50_051;

/** One HTTP/2 connection, opened at the first call and reopened when it is lost. */
export interface Connection {
  readonly transport: Transport;
  /** Ends the connection and every call on it. Idempotent. */
  close(): void;
}

/**
 * Prepares a connection to a gRPC listener; nothing is sent before the first call.
 *
 * @throws {TypeError} see {@link baseUrl}
 */
export function connect(addr: string): Connection {
  const url = baseUrl(addr);
  // Pings detect a dead connection that no reset has announced.
  const sessionManager = new Http2SessionManager(url, {
    pingIntervalMs: limits.keepalivePing,
    pingTimeoutMs: limits.keepaliveTimeout,
  });

  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager,
    readMaxBytes: limits.answerBytes,
    acceptCompression: [],
  });
  return { transport, close: () => sessionManager.abort() };
}

/**
 * Returns the URL of an address given as `HOST`, `HOST:PORT` (IPv6 in brackets) or URL.
 *
 * @throws {TypeError} if it is none of them
 */
export function baseUrl(addr: string): string {
  const isUrl = /^https?:\/\//i.test(addr);
  const hasPort = /:\d+$/.test(addr);
  const text = isUrl ? addr : `http://${addr}${hasPort ? "" : `:${DEFAULT_PORT}`}`;

  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (!parsed || (!isUrl && parsed.pathname !== "/")) {
    throw new TypeError(
      `addr "${addr}" is neither HOST:PORT nor an http(s) URL; an example is ${DEFAULT_ADDR}`,
    );
  }
  return parsed.href;
}
