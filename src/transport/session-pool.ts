import type {
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  Http2Session,
  OutgoingHttpHeaders,
} from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { type createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { limits } from "#limits/index";
import { shownAddress } from "./address.js";
import { ConnectFailed } from "./connect-failed.js";

type Sessions = NonNullable<Parameters<typeof createGrpcTransport>[0]["sessionManager"]>;

/** One HTTP/2 connection, and how many calls are on it. */
interface Carrier {
  readonly sessions: Http2SessionManager;
  streams: number;
  /** Streams that the server allows at once. */
  capacity: number;
}

/**
 * The HTTP/2 connections of one client: a further one is opened when all are full of streams. Node would let what is above
 * the server's limit wait for an earlier stream to end, which a watch may not do for days.
 *
 * Past `limits.connectionsPerClient` calls do wait in that way, each until its deadline.
 */
export class SessionPool implements Sessions {
  readonly authority: string;
  readonly #url: string;
  readonly #host: string;
  readonly #pingMs: number;
  readonly #carriers: Carrier[] = [];
  /** Sessions whose errors are heard. */
  readonly #heard = new WeakSet<Http2Session>();
  #closed = false;

  constructor(url: string, pingMs: number) {
    const { origin, host } = new URL(url);
    this.authority = origin;
    this.#url = url;
    this.#host = host;
    this.#pingMs = pingMs;
  }

  /** @throws {ConnectFailed} if no connection can be made */
  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream> {
    if (this.#closed) throw new ConnectError("the client is closed", Code.FailedPrecondition);
    const carrier = this.#choose();
    carrier.streams += 1;
    try {
      // Node itself would omit the brackets of an IPv6 address.
      const named = { ...headers, ":authority": this.#host };
      const stream = await carrier.sessions.request(method, path, named, options);
      stream.once("close", () => {
        carrier.streams -= 1;
      });
      this.#note(stream, carrier);
      return stream;
    } catch (error) {
      carrier.streams -= 1;
      throw this.#closed ? error : new ConnectFailed(shownAddress(this.#url), error);
    }
  }

  #note({ session }: ClientHttp2Stream, carrier: Carrier): void {
    if (!session) return;
    const { maxConcurrentStreams } = session.remoteSettings;
    if (maxConcurrentStreams) {
      carrier.capacity = Math.min(maxConcurrentStreams, limits.streamsPerClientConnection);
    }
    if (this.#heard.has(session)) return;
    this.#heard.add(session);
    // Its streams tell of the error. The manager stops to listen once it has given the session up, and an error that
    // nobody hears would end the process.
    session.on("error", () => undefined);
  }

  notifyResponseByteRead(stream: ClientHttp2Stream): void {
    for (const { sessions } of this.#carriers) sessions.notifyResponseByteRead(stream);
  }

  close(): void {
    this.#closed = true;
    for (const { sessions } of this.#carriers) sessions.abort();
  }

  /** The first connection with room, so that later ones become idle and are closed; else a new one, else the freest. */
  #choose(): Carrier {
    const roomy = this.#carriers.find(({ streams, capacity }) => streams < capacity);
    if (roomy) return roomy;
    if (this.#carriers.length < limits.connectionsPerClient) return this.#add();
    return this.#carriers.reduce((least, each) => (each.streams < least.streams ? each : least));
  }

  #add(): Carrier {
    const sessions = new Http2SessionManager(this.#url, {
      pingIntervalMs: this.#pingMs,
      pingTimeoutMs: limits.keepaliveTimeout,
    });
    const carrier = { sessions, streams: 0, capacity: limits.streamsPerClientConnection };
    this.#carriers.push(carrier);
    return carrier;
  }
}
