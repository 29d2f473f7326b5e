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
import type { Checks, Trust } from "./trust.js";
import { writeAhead } from "./write-ahead.js";

type Sessions = NonNullable<Parameters<typeof createGrpcTransport>[0]["sessionManager"]>;

/** The certificate of a client and its key. */
interface Shown {
  readonly cert: string;
  readonly key: string;
}

/** One HTTP/2 connection, and how many calls are on it. */
interface Carrier {
  readonly sessions: Http2SessionManager;
  streams: number;
  /** Streams that the server allows at once. */
  capacity: number;
  /** What it shows in its handshakes. */
  readonly shown: Shown | undefined;
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
  readonly #trust: Trust | undefined;
  readonly #shown: () => Shown | undefined;
  /** Absent until the first call has found out. */
  #checks: Checks | undefined;
  readonly #carriers: Carrier[] = [];
  /** Those that show what was replaced meanwhile, as long as streams are on them. */
  readonly #retired = new Set<Carrier>();
  /** Sessions whose errors are heard. */
  readonly #heard = new WeakSet<Http2Session>();
  isClosed = false;
  /** True once the server has said anything on any connection. */
  hasHeard = false;

  /**
   * @param trust Node's own authorities if left out
   * @param shown the certificate of this client, if it has one, as it is to be shown by connections that are made now
   */
  constructor(url: string, pingMs: number, trust?: Trust, shown: () => Shown | undefined = () => undefined) {
    const { origin, host } = new URL(url);
    this.#trust = trust;
    this.#shown = shown;
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
    if (this.isClosed) throw new ConnectError("the client is closed", Code.FailedPrecondition);
    if (this.#trust && !this.#checks) this.#checks = await this.#check(this.#trust);
    const carrier = this.#choose();
    carrier.streams += 1;
    try {
      // Node itself would omit the brackets of an IPv6 address.
      const named = { ...headers, ":authority": this.#host };
      const stream = await carrier.sessions.request(method, path, named, options);
      stream.once("close", () => this.#ended(carrier));
      this.#note(stream, carrier);
      writeAhead(stream);
      return stream;
    } catch (error) {
      this.#ended(carrier);
      throw this.isClosed ? error : new ConnectFailed(shownAddress(this.#url), error);
    }
  }

  async #check(trust: Trust): Promise<Checks> {
    try {
      return await trust.checks(new URL(this.#url));
    } catch (error) {
      throw new ConnectFailed(shownAddress(this.#url), error);
    }
  }

  #note(stream: ClientHttp2Stream, carrier: Carrier): void {
    const { session } = stream;
    if (!session) return;
    const { maxConcurrentStreams } = session.remoteSettings;
    if (maxConcurrentStreams) {
      carrier.capacity = Math.min(maxConcurrentStreams, limits.streamsPerClientConnection);
    }
    const heard = () => {
      this.hasHeard = true;
    };
    if (!this.hasHeard) stream.once("response", heard);
    if (this.#heard.has(session)) return;
    this.#heard.add(session);
    if (!this.hasHeard) session.once("remoteSettings", heard);
    // Its streams tell of the error. The manager stops to listen once it has given the session up, and an error that
    // nobody hears would end the process.
    session.on("error", () => undefined);
  }

  notifyResponseByteRead(stream: ClientHttp2Stream): void {
    for (const { sessions } of [...this.#carriers, ...this.#retired]) sessions.notifyResponseByteRead(stream);
  }

  close(): void {
    this.isClosed = true;
    for (const { sessions } of [...this.#carriers, ...this.#retired]) sessions.abort();
  }

  /** The first connection with room, so that later ones become idle and are closed; else a new one, else the freest. */
  #choose(): Carrier {
    const shown = this.#shown();
    if (this.#carriers.some((each) => each.shown !== shown)) this.#retire(shown);
    const roomy = this.#carriers.find(({ streams, capacity }) => streams < capacity);
    if (roomy) return roomy;
    if (this.#carriers.length < limits.connectionsPerClient) return this.#add(shown);
    return this.#carriers.reduce((least, each) => (each.streams < least.streams ? each : least));
  }

  /** A connection that is made again by itself would show what it has shown before. */
  #retire(shown: Shown | undefined): void {
    for (const carrier of this.#carriers.splice(0)) {
      if (carrier.shown === shown) this.#carriers.push(carrier);
      else if (carrier.streams > 0) this.#retired.add(carrier);
      else carrier.sessions.abort();
    }
  }

  #ended(carrier: Carrier): void {
    carrier.streams -= 1;
    if (carrier.streams === 0 && this.#retired.delete(carrier)) carrier.sessions.abort();
  }

  #add(shown: Shown | undefined): Carrier {
    const pings = { pingIntervalMs: this.#pingMs, pingTimeoutMs: limits.keepaliveTimeout };
    const sessions = new Http2SessionManager(this.#url, pings, { ...this.#checks, ...shown });
    const carrier = { sessions, streams: 0, capacity: limits.streamsPerClientConnection, shown };
    this.#carriers.push(carrier);
    return carrier;
  }
}
