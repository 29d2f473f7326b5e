import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";
import { isIP } from "node:net";
import { checkServerIdentity, connect, type DetailedPeerCertificate, type PeerCertificate } from "node:tls";
import { SERVER_ID } from "#domain/server-id";
import { limits } from "#limits/index";

/** Whom a program trusts to be the server, beside the authorities that Node trusts. */
export interface TrustOptions {
  /** Certificates of authorities as PEM, or the path of a file of them. They alone are trusted then. */
  readonly ca?: string | undefined;
  /** `sha256:` and the SHA-256 of an authority's public key in hex, as the server prints it. It alone is trusted then. */
  readonly caPin?: string | undefined;
}

/** What a TLS connection needs to check that it has reached the right server. */
export type Checks = Pick<SecureClientSessionOptions, "ca" | "checkServerIdentity">;

/** Whom to trust, as far as it is known before a connection. */
export interface Trust {
  /** Names what it rests on: two with the same name trust the same. */
  readonly name: string;
  /**
   * What a connection to this server needs. Over a connection that sends nothing, the authority of a pin is asked for once.
   *
   * @throws {Error} if the server cannot be reached, or shows no certificate with the pin
   */
  checks(url: URL): Checks | Promise<Checks>;
}

/** A setting of {@link TrustOptions} is wrong. */
export class TrustProblem extends Error {
  readonly field: "ca" | "caPin";

  constructor(field: "ca" | "caPin", message: string, cause?: unknown) {
    super(`${field} ${message}`, cause === undefined ? {} : { cause });
    this.field = field;
  }
}

/**
 * Reads the options; undefined if they name nobody, so that Node's own authorities are trusted.
 *
 * @throws {TrustProblem}
 */
export function readTrust({ ca, caPin }: TrustOptions): Trust | undefined {
  if (ca !== undefined && caPin !== undefined) {
    throw new TrustProblem("caPin", "is given beside ca: leave one of the two out.");
  }
  if (ca !== undefined) {
    return trustIn(authoritiesOf(ca));
  }
  return caPin === undefined ? undefined : new PinnedTrust(pinOf(caPin));
}

/** Trusts these authorities, as PEM, and nobody else. */
export function trustIn(authorities: string): Trust {
  const checks = { ca: authorities, checkServerIdentity: checkIdentity };
  return { name: `ca:${createHash("sha256").update(authorities).digest("hex")}`, checks: () => checks };
}

class PinnedTrust implements Trust {
  readonly name: string;
  readonly #pin: string;
  #checks: Checks | undefined;

  constructor(pin: string) {
    this.#pin = pin;
    this.name = `sha256:${pin}`;
  }

  async checks(url: URL): Promise<Checks> {
    this.#checks ??= {
      ca: await authorityOf(url, this.#pin),
      checkServerIdentity: checkIdentity,
    };
    return this.#checks;
  }
}

function authoritiesOf(ca: unknown): string {
  if (typeof ca !== "string" || ca === "") {
    throw new TrustProblem("ca", `is ${ca === "" ? "empty" : typeof ca}: send PEM, or the path of its file.`);
  }
  const pem = ca.includes("-----BEGIN") ? ca : readCa(ca);
  try {
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new TrustProblem("ca", "has no certificate in it: send PEM, or the path of its file.", cause);
  }
}

function readCa(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new TrustProblem("ca", `${JSON.stringify(path)} cannot be read: ${why}.`, cause);
  }
}

const PIN = /^sha256:([0-9a-f]{64})$/i;

function pinOf(text: unknown): string {
  const hex = typeof text === "string" ? PIN.exec(text)?.[1] : undefined;
  if (hex !== undefined) return hex.toLowerCase();
  const shown = JSON.stringify(text)?.slice(0, 100) ?? typeof text;
  throw new TrustProblem(
    "caPin",
    `${shown} is no pin: write sha256: and 64 hex digits, as the server prints it.`,
  );
}

/**
 * The certificate with the pin, as PEM, out of those that the server shows. That the server has its key, and that the
 * chain is right, is checked when it is used as the authority of a connection.
 */
function authorityOf({ hostname, port }: URL, pin: string): Promise<string> {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port || 443),
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ["h2"],
      rejectUnauthorized: false, // nothing is sent: the connection is closed once the certificates are here
      timeout: limits.handshake,
    });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once("timeout", () => fail(new Error("its certificates did not come in time")));
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      const certificates = chainOf(socket.getPeerCertificate(true));
      socket.destroy();
      const found = certificates.find((certificate) => digestOf(certificate) === pin);
      if (!found) reject(new Error(NOT_PINNED));
      else if (!found.checkIssued(found)) reject(new Error(NOT_A_ROOT));
      else resolve(found.toString());
    });
  });
}

const NOT_PINNED =
  "it shows no certificate with the pin: its authority was rotated since (`ca status` on its machine prints the pin of now), it is another server than the pin was given for, or it leaves its authority out of what it shows";
const NOT_A_ROOT = "the pin is of a certificate that another one has signed: pin the root";

/** Longer chains end here. */
const CHAIN_MAX = 10;

function chainOf(peer: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let at = peer; at?.raw && chain.length < CHAIN_MAX; at = at.issuerCertificate) {
    chain.push(new X509Certificate(at.raw));
    if (at.issuerCertificate === at) break;
  }
  return chain;
}

function digestOf({ publicKey }: X509Certificate): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** A certificate of the authority that was named is a server's by the server's id, or by the host as everywhere. */
function checkIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const names = certificate.subjectaltname?.split(", ") ?? [];
  return names.includes(`URI:${SERVER_ID}`) ? undefined : checkServerIdentity(host, certificate);
}
