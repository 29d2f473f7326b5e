import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { ConnectFailed } from "./connect-failed.js";
import { type Connection, type ConnectionOptions, connect } from "./connection.js";
import { onAbort } from "./on-abort.js";
import { probe } from "./probe.js";
import { Servers } from "./servers.js";
import type { Trust } from "./trust.js";

/** Prepares the servers of one plane for {@link connectTo}. */
export function serversAt(urls: readonly string[], trust?: Trust, draw: () => number = Math.random): Servers {
  return new Servers(urls, (url, signal) => probe(url, signal, trust), draw);
}

/**
 * Prepares a connection to whichever of the servers answers. A call goes to the one in use. It goes to another one by itself if no
 * server has heard of it; a read also if its server fails while it is under way. Any other call that fails is its caller's to repeat,
 * and then goes to another server.
 */
export function connectTo(servers: Servers, options: ConnectionOptions): Connection {
  if (servers.count === 1) return connect(servers.current, options);
  return new SeveralConnections(servers, options);
}

class SeveralConnections implements Connection {
  readonly #servers: Servers;
  readonly #options: ConnectionOptions;
  readonly #connections = new Map<string, Connection>();
  #closed = false;

  constructor(servers: Servers, options: ConnectionOptions) {
    this.#servers = servers;
    this.#options = options;
  }

  readonly transport: Transport = {
    unary: async (method, signal, timeoutMs, ...rest) => {
      const began = performance.now();
      const left = () => timeoutMs && Math.max(1, Math.ceil(timeoutMs - (performance.now() - began)));
      for (let tries = 1; ; tries += 1) {
        const url = await this.#find(signal, left());
        try {
          return await this.#at(url).transport.unary(method, signal, left(), ...rest);
        } catch (error) {
          if (signal?.aborted || this.#closed) throw error;
          this.#failed(url, error);
          const mayRepeat = ConnectFailed.is(error) || (isRead(method.name) && isAway(error));
          if (!mayRepeat || tries >= this.#servers.count) throw error;
        }
      }
    },
    stream: async (method, signal, timeoutMs, ...rest) => {
      const url = await this.#find(signal, timeoutMs);
      try {
        const response = await this.#at(url).transport.stream(method, signal, timeoutMs, ...rest);
        const isEndless = method.methodKind === "bidi_streaming";
        return { ...response, message: this.#observed(response.message, { url, isEndless, signal }) };
      } catch (error) {
        if (!signal?.aborted) this.#failed(url, error);
        throw error;
      }
    },
  };

  readonly close = (): void => {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
  };

  #at(url: string): Connection {
    if (this.#closed) throw new ConnectError("the client is closed", Code.FailedPrecondition);
    const connection = this.#connections.get(url) ?? connect(url, this.#options);
    this.#connections.set(url, connection);
    return connection;
  }

  /** Like `Servers.find`, within the time of a call. */
  async #find(signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<string> {
    const finding = this.#servers.find();
    if (typeof finding === "string") return finding;
    return new Promise((resolve, reject) => {
      const stop = (code: Code, why: string) => reject(new ConnectError(why, code));
      const late = () => stop(Code.DeadlineExceeded, "no server has answered in time");
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
      const forget = onAbort(signal, () => stop(Code.Canceled, "the call was aborted"));
      finding.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        forget();
      });
    });
  }

  #failed(url: string, error: unknown): void {
    if (isAway(error)) this.#servers.leave(url, hasStatus(error));
    else if (ConnectError.from(error).code === Code.DeadlineExceeded) this.#servers.doubt(url);
  }

  /** The messages of a stream. One that is endless, as a Worker's, ends only if its server goes away. */
  async *#observed<Message>(
    messages: AsyncIterable<Message>,
    { url, isEndless, signal }: { url: string; isEndless: boolean; signal: AbortSignal | undefined },
  ): AsyncGenerator<Message> {
    try {
      yield* messages;
      if (isEndless && !signal?.aborted) this.#servers.leave(url, true);
    } catch (error) {
      if (!signal?.aborted && !this.#closed) this.#failed(url, error);
      throw error;
    }
  }
}

/** True if the server is away, as it says itself, or the connection to it was lost. */
function isAway(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.Unavailable || (brokenCodes.has(code) && !hasStatus(error));
}

/** True if a server has answered so. */
function hasStatus(error: unknown): boolean {
  return ConnectError.from(error).metadata.has("grpc-status");
}

/** What the transport makes of resets and closed connections. */
const brokenCodes: ReadonlySet<Code> = new Set([Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown]);

/** Requests that change nothing may be sent twice. */
function isRead(method: string): boolean {
  return /^(Get|List)/.test(method);
}
