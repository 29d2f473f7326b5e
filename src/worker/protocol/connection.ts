import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { limits } from "#limits/index";
import {
  type RunClientMessage,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import type { Ask } from "../run/patient-reader.js";
import type { ResultWanted } from "../run/result-reader.js";
import type { RunKey } from "./frames.js";

/** A Worker's stream to the server, and the unary calls on the same connection. */
export interface Connection {
  readonly incoming: AsyncIterable<RunServerMessage>;
  /** Reads the result of a Step as JSON text. */
  readonly readResult: Ask<ResultWanted>;
  /** Reads the input of a Run's Task as JSON text. */
  readonly readInput: Ask<RunKey>;
  /** Ends the stream and its connection at once. */
  close(): void;
}

/**
 * Returns the origin of an address given as `HOST:PORT` or http(s) URL.
 *
 * @throws {RangeError} if it is neither
 */
export function planeUrl(addr: string): string {
  const url = URL.canParse(addr) && addr.includes("://") ? new URL(addr) : toUrl(addr);
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== "/") {
    throw new RangeError(`addr "${addr}" is not an address: write HOST:PORT, for example localhost:50051`);
  }
  return url.origin;
}

function toUrl(addr: string): URL | undefined {
  const url = `http://${addr}`;
  return /:\d+$/.test(addr) && URL.canParse(url) ? new URL(url) : undefined;
}

/**
 * Opens a Worker's stream on a connection of its own, so that closing it releases everything. HTTP/2 pings detect a dead
 * peer.
 *
 * @param url from {@link planeUrl}
 * @param outgoing read as the transport can send
 * @param opened called when the server's headers have arrived, before its first message
 */
export function dial(url: string, outgoing: AsyncIterable<RunClientMessage>, opened: () => void): Connection {
  const aborter = new AbortController();
  const manager = new SessionManager(url, {
    pingIntervalMs: limits.workerPing,
    pingTimeoutMs: limits.keepaliveTimeout,
  });
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager: manager,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
  });

  const client = createClient(RunService, transport);
  const incoming = client.streamConnect(outgoing, {
    signal: aborter.signal,
    onHeader: opened,
  });
  const close = (): void => {
    aborter.abort();
    manager.abort();
  };
  const readResult: Ask<ResultWanted> = async (wanted, options) =>
    (await client.getStepResult(wanted, options)).outputJson;
  const readInput: Ask<RunKey> = async ({ runId, fence }, options) =>
    (await client.getRunInput({ runId, fence }, options)).inputJson;
  return { incoming, readResult, readInput, close };
}

/** Sets `:authority` on each request: Node would omit the brackets of an IPv6 address. */
class SessionManager extends Http2SessionManager {
  override request(...[method, path, headers, options]: Parameters<Http2SessionManager["request"]>) {
    return super.request(method, path, { ...headers, ":authority": new URL(this.authority).host }, options);
  }
}
