import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Enrolment } from "#api/enrolment/enrolment";
import { readClientUri, readWorkerUri } from "#domain/access/spiffe";
import type { CertificateCredential, WorkerCredential } from "#domain/caller";
import { instant } from "#domain/time/time";
import type { TlsIdentity } from "#ports/tls";

/** What a peer has shown: a certificate of a worker or of a client, none, or one of which nothing follows. */
export type ClientCertificate = CertificateCredential | "refused" | undefined;

/** True if a worker's certificate that is verified may be used still. */
export type Admits = (credential: WorkerCredential) => boolean;

/** By what was revoked, here or on another server; undefined where nobody enrols. */
export function admitsBy(enrolment: Enrolment | undefined): Admits | undefined {
  return enrolment && (({ serial }) => !enrolment.denials.has(serial));
}

/** Who vouches for whom. Each names those of its own kind alone, whatever else it signs. */
export interface TrustPaths {
  readonly workers: readonly X509Certificate[];
  /** Empty where no certificate of a client is taken. */
  readonly clients: readonly X509Certificate[];
}

export function pathsOf({ clientCa, callerCa }: TlsIdentity): TrustPaths {
  return { workers: certificatesIn(clientCa), clients: certificatesIn(callerCa) };
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificatesIn(pem = ""): readonly X509Certificate[] {
  return (pem.match(PEM) ?? []).map((each) => new X509Certificate(each));
}

/**
 * The certificate that a peer has shown in its handshake. OpenSSL has verified it: its chain to one of the authorities, its time, and what
 * it is for. It must have one name, a worker's or a client's, and be of the authority of those: a certificate of a server is none.
 */
export function certificateOf(
  socket: TLSSocket,
  paths: TrustPaths,
  admits: Admits = () => true,
): ClientCertificate {
  const shown = socket.getPeerX509Certificate();
  if (!shown) return undefined;
  if (!socket.authorized) return "refused";
  // All names in one text: with a second one it is no URI of ours any more.
  const [, uri = ""] = /^URI:([^,\s"]+)$/.exec(shown.subjectAltName ?? "") ?? [];
  const credential = credentialOf(uri, shown);
  if (!credential) return "refused";
  const { workers, clients } = paths;
  const isWorker = "worker" in credential;
  // With one authority there is no other one that OpenSSL could have come to.
  const isApart = workers.length > 0 && clients.length > 0;
  const own = isWorker ? workers : clients;
  if (own.length === 0 || (isApart && !leadsTo(own, shown))) return "refused";
  return !isWorker || admits(credential) ? credential : "refused";
}

function credentialOf(uri: string, shown: X509Certificate): CertificateCredential | undefined {
  const more = { serial: shown.serialNumber.toLowerCase(), notAfter: instant(Date.parse(shown.validTo)) };
  const worker = readWorkerUri(uri);
  if (worker) return { worker, ...more };
  const client = readClientUri(uri);
  return client === undefined ? undefined : { client, ...more };
}

/** Longer chains are refused. */
const CHAIN_MOST = 10;

/** True if these authorities, and no other ones, have signed what OpenSSL has verified: by signatures, since anybody can take a name. */
function leadsTo(authorities: readonly X509Certificate[], shown: X509Certificate): boolean {
  const sent = issuersOf(shown).filter(({ ca }) => ca);
  let at: X509Certificate | undefined = shown;
  for (let length = 0; at && length < CHAIN_MOST; length++) {
    const signed: X509Certificate = at;
    if (authorities.some((each) => hasSigned(each, signed))) return true;
    at = sent.find((each) => !each.raw.equals(signed.raw) && hasSigned(each, signed));
  }
  return false;
}

function hasSigned(issuer: X509Certificate, signed: X509Certificate): boolean {
  return signed.checkIssued(issuer) && signed.verify(issuer.publicKey);
}

/** What was sent with a certificate, in the order in which it was sent. */
function issuersOf(shown: X509Certificate): X509Certificate[] {
  const issuers: X509Certificate[] = [];
  let at = shown.issuerCertificate;
  while (at && issuers.length < CHAIN_MOST) {
    issuers.push(at);
    at = at.issuerCertificate;
  }
  return issuers;
}
