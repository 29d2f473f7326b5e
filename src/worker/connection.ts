import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { limits } from "#domain/limits";
import {
  type RunClientMessage,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import type { RunKey } from "./frames.js";
import type { Ask } from "./patient-reader.js";
import type { ResultWanted } from "./result-reader.js";

/** One stream to a plane, and what can be asked beside it. */
export interface Connection {
  readonly incoming: AsyncIterable<RunServerMessage>;
  /** The result of a step, as JSON text. */
  readonly readResult: Ask<ResultWanted>;
  /** The input of a run's task, as JSON text. */
  readonly readInput: Ask<RunKey>;
  /** Ends the stream and its connection at once. */
  close(): void;
}

/** Where the plane is, as the transport wants it: `localhost:50051` or `https://plane.example:443`. */
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
 * Opens a worker stream. Every stream has a connection of its own, so that giving one up leaves nothing
 * behind; an HTTP/2 ping finds out a dead peer.
 *
 * @param url as {@link planeUrl} gives it
 * @param opened called when the plane has answered, before its first message
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

/** Names the plane in each request: Node would leave the brackets of an IPv6 address out of `:authority`. */
class SessionManager extends Http2SessionManager {
  override request(...[method, path, headers, options]: Parameters<Http2SessionManager["request"]>) {
    return super.request(method, path, { ...headers, ":authority": new URL(this.authority).host }, options);
  }
}
