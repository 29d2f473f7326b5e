import { createServer, type Server, type Socket } from "node:net";
import type { CertificateCredential } from "#domain/caller";
import { limits } from "#limits/index";
import type { Telemetry } from "#ports/telemetry";
import { AnswerQuota } from "../traffic/answer-admission.js";
import { networkOf } from "./address.js";
import type { RemotePeer } from "./remote-peer.js";

export interface ConnectionBounds {
  /** Most connections in total. */
  readonly connections: number;
  /** Most connections of one remote address that have not identified themselves. */
  readonly connectionsPerAddress: number;
}

/** The header of a TLS 1.3 record, its type, and the tag that authenticates it. */
const TLS_RECORD_BYTES = 5 + 1 + 16;

/** One accepted connection. */
export class Connection implements RemotePeer {
  /** What the protocols read and write: of TLS, what it has deciphered. */
  readonly socket: Socket;
  readonly quota = new AnswerQuota();
  /** Bytes that go with each frame in addition to HTTP/2's own: those of a TLS record. */
  readonly recordBytes: number;
  readonly address: string;
  readonly certificate: CertificateCredential | undefined;
  readonly #tcp: Socket;
  readonly #identified: () => void;

  constructor(
    socket: Socket,
    identified: () => void,
    tcp: Socket = socket,
    certificate: CertificateCredential | undefined = undefined,
  ) {
    this.socket = socket;
    this.address = tcp.remoteAddress ?? "";
    this.certificate = certificate;
    this.recordBytes = tcp === socket ? 0 : TLS_RECORD_BYTES;
    this.#tcp = tcp;
    this.#identified = identified;
  }

  /** Bytes received from the network so far. */
  get bytesRead(): number {
    return this.#tcp.bytesRead;
  }

  /** The same connection, once its handshake is done. */
  secured(socket: Socket, certificate: CertificateCredential | undefined): Connection {
    return new Connection(socket, this.#identified, this.#tcp, certificate);
  }

  /** Call when the peer has identified itself: it no longer counts towards the bound of its address. Idempotent. */
  identified(): void {
    this.#identified();
  }
}

/** The connections of one kind of listener, bounded over all addresses. */
export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #listener: string;
  readonly #telemetry: Telemetry;
  readonly #unidentified = new Map<string, number>();
  #open = 0;
  #warnAt = 0;

  /** @param listener its name in metrics and log */
  constructor(bounds: ConnectionBounds, listener: string, telemetry: Telemetry) {
    this.#bounds = bounds;
    this.#listener = listener;
    this.#telemetry = telemetry;
  }

  get open(): number {
    return this.#open;
  }

  /**
   * A server that is not bound yet. A connection over a bound is closed at once. TCP keepalive closes connections whose
   * peer's machine or network is gone, for every protocol.
   */
  server(accept: (connection: Connection) => void): Server {
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: limits.keepalivePing };
    return createServer(options, (socket) => {
      const connection = this.#admit(socket);
      if (connection) accept(connection);
    });
  }

  #admit(socket: Socket): Connection | undefined {
    const network = networkOf(socket.remoteAddress ?? "");
    const ofNetwork = network === undefined ? 0 : (this.#unidentified.get(network) ?? 0);
    const { connections, connectionsPerAddress } = this.#bounds;
    if (this.#open >= connections) return this.#refuse(socket, "total", connections);
    if (ofNetwork >= connectionsPerAddress) return this.#refuse(socket, "address", connectionsPerAddress);

    this.#open++;
    if (network !== undefined) this.#unidentified.set(network, ofNetwork + 1);
    let counted = network;
    const identified = () => {
      if (counted === undefined) return;
      const rest = (this.#unidentified.get(counted) ?? 1) - 1;
      if (rest > 0) this.#unidentified.set(counted, rest);
      else this.#unidentified.delete(counted);
      counted = undefined;
    };
    socket.once("close", () => {
      this.#open--;
      identified();
    });
    return new Connection(socket, identified);
  }

  #refuse(socket: Socket, bound: "total" | "address", limit: number): undefined {
    this.#telemetry.count("taskrun_connections_refused_total", { door: this.#listener, bound });
    // Errors of the refused socket are ignored.
    socket.on("error", () => undefined);
    socket.destroy();
    const now = performance.now();
    if (now < this.#warnAt) return undefined;
    this.#warnAt = now + limits.refusedConnectionsLogged;
    const setting = bound === "total" ? "connections" : "connections-per-address";
    this.#telemetry.log.warn("connections are refused: there are as many as the setting allows", {
      door: this.#listener,
      setting,
      limit,
      peer: socket.remoteAddress,
    });
    return undefined;
  }
}
