import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { limits } from "#limits/index";
import type { Telemetry } from "#ports/telemetry";
import type { TlsIdentity, TlsSource } from "#ports/tls";
import {
  type Admits,
  type ClientCertificate,
  certificateOf,
  pathsOf,
  type TrustPaths,
} from "./client-certificate.js";
import type { Connection } from "./connections.js";
import { Pace } from "./pace.js";
import type { NotesCertificate } from "./refused-certificate.js";

/** A protocol as ALPN names it. */
export type Protocol = "h2" | "http/1.1";

export interface TlsParts {
  readonly source: TlsSource;
  /** The protocols of the listener, the preferred one first. */
  readonly protocols: readonly Protocol[];
  /** The listener's name in metrics. */
  readonly listener: string;
  readonly telemetry: Telemetry;
  /** Says whether a worker's certificate may be used still. Default: all may that are verified. */
  readonly admits?: Admits | undefined;
  /** Is told of certificates that are refused. */
  readonly notes?: NotesCertificate | undefined;
  /** Called with a connection whose handshake is done; a peer that named no protocol speaks HTTP/1.1. */
  readonly secured: (connection: Connection, protocol: Protocol) => void;
}

/**
 * The TLS of one listener, behind the bounds of its connections. TLS 1.3 alone, and no session is resumed: whoever resumes one
 * shows no certificate, so that one which has ended or was revoked would go on being accepted. (OpenSSL still sends tickets,
 * as names of sessions in its cache, of which there is none.)
 */
export class TlsHandshakes {
  readonly #parts: TlsParts;
  readonly #server: Server;
  /** A handshake costs milliseconds of the one thread: few are begun in one iteration of the event loop. */
  readonly #pace = new Pace(limits.handshakesPerIteration);
  /** Connections whose handshake is not done, by their ends: `node:tls` does not tell the connection of a socket it has made. */
  readonly #pending = new Map<string, Connection>();
  #paths: TrustPaths;
  #warnAt = 0;

  constructor(parts: TlsParts) {
    this.#parts = parts;
    const { source, protocols } = parts;
    const { clientCa, callerCa } = source.identity;
    this.#paths = pathsOf(source.identity);
    this.#server = createServer({
      ...contextOf(source.identity),
      // Optional, since clients have API keys: Node can only ask for a certificate, or demand one. What it was shown is judged below.
      requestCert: (clientCa ?? callerCa) !== undefined,
      rejectUnauthorized: false,
      ALPNProtocols: [...protocols],
      handshakeTimeout: limits.handshake,
    })
      .on("secureConnection", (socket) => this.#done(socket))
      .on("tlsClientError", (error, socket) => this.#failed(error, socket));
    source.onChange((identity) => {
      this.#server.setSecureContext(contextOf(identity));
      this.#paths = pathsOf(identity);
    });
  }

  /** Takes over a connection that was just accepted. */
  accept(connection: Connection): void {
    const { socket } = connection;
    const ends = endsOf(socket);
    this.#pending.set(ends, connection);
    socket.once("close", () => {
      if (this.#pending.get(ends) === connection) this.#pending.delete(ends);
    });
    const turn = this.#pace.next();
    if (turn) void turn.then(() => this.#begin(socket));
    else this.#begin(socket);
  }

  /** Ends the connections whose handshake is not done. */
  close(): void {
    for (const { socket } of this.#pending.values()) socket.destroy();
  }

  #begin(socket: Socket): void {
    if (!socket.destroyed) this.#server.emit("connection", socket);
  }

  #done(socket: TLSSocket): void {
    const ends = endsOf(socket);
    const connection = this.#pending.get(ends);
    this.#pending.delete(ends);
    const { protocols, secured } = this.#parts;
    const named = socket.alpnProtocol || "http/1.1";
    const protocol = protocols.find((each) => each === named);
    const shown: ClientCertificate = certificateOf(socket, this.#paths, this.#parts.admits);
    if (connection && protocol && shown !== "refused") {
      secured(connection.secured(socket, shown), protocol);
      return;
    }
    // The peer has gone meanwhile, named no protocol where only HTTP/2 is spoken, or has shown a certificate of which nothing follows.
    if (shown === "refused") this.#parts.notes?.(socket);
    if (connection) this.#count(shown === "refused" ? "certificate" : "protocol");
    socket.on("error", () => undefined);
    socket.destroy();
  }

  #failed(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const cause = causeOf(error);
    this.#count(cause);
    socket.destroy();
    const now = performance.now();
    if (cause !== "plaintext" || now < this.#warnAt) return;
    this.#warnAt = now + limits.refusedConnectionsLogged;
    const { telemetry, listener } = this.#parts;
    telemetry.log.warn("a peer does not speak TLS: its address must begin with https://", {
      door: listener,
      peer: socket.remoteAddress,
    });
  }

  #count(cause: Cause): void {
    const { telemetry, listener } = this.#parts;
    telemetry.count("taskrun_tls_failures_total", { door: listener, cause });
  }
}

function contextOf({ cert, key, clientCa, callerCa }: TlsIdentity) {
  const ca = [clientCa, callerCa].filter((each) => each !== undefined);
  return { cert, key, ...SECURE, ...(ca.length > 0 && { ca }) };
}

const SECURE = { minVersion: "TLSv1.3", secureOptions: constants.SSL_OP_NO_TICKET } as const;

/** Why a handshake failed. */
type Cause = "timeout" | "plaintext" | "protocol" | "version" | "certificate" | "cut_short" | "other";

function causeOf({ code = "" }: NodeJS.ErrnoException): Cause {
  return causes[code] ?? "other";
}

const causes: Readonly<Record<string, Cause>> = {
  ERR_TLS_HANDSHAKE_TIMEOUT: "timeout",
  ERR_SSL_HTTP_REQUEST: "plaintext",
  ERR_SSL_WRONG_VERSION_NUMBER: "plaintext",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "plaintext",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "protocol",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "version",
  ECONNRESET: "cut_short",
};

/** Both ends of a connection: no two that are open have the same. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
