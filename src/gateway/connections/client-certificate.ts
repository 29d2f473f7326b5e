import type { TLSSocket } from "node:tls";
import type { Enrolment } from "#api/enrolment/enrolment";
import { readWorkerUri } from "#domain/access/spiffe";
import type { WorkerCredential } from "#domain/caller";
import { instant } from "#domain/time/time";

/** What a peer has shown: a worker's certificate, none, or one of which nothing follows. */
export type ClientCertificate = WorkerCredential | "refused" | undefined;

/** True if a certificate that is verified may be used still. */
export type Admits = (credential: WorkerCredential) => boolean;

/** By what was revoked, here or on another server; undefined where nobody enrols. */
export function admitsBy(enrolment: Enrolment | undefined): Admits | undefined {
  return enrolment && (({ serial }) => !enrolment.denials.has(serial));
}

/**
 * The certificate that a peer has shown in its handshake. OpenSSL has verified it: its chain to the authority of clients, its time, and what
 * it is for. It must have one name, and that a worker's: a certificate of a server, of the same authority, is none.
 */
export function certificateOf(socket: TLSSocket, admits: Admits = () => true): ClientCertificate {
  const shown = socket.getPeerX509Certificate();
  if (!shown) return undefined;
  if (!socket.authorized) return "refused";
  // All names in one text: with a second one it is no worker's URI any more.
  const [, uri = ""] = /^URI:([^,\s"]+)$/.exec(shown.subjectAltName ?? "") ?? [];
  const worker = readWorkerUri(uri);
  if (!worker) return "refused";
  const serial = shown.serialNumber.toLowerCase();
  const credential = { worker, serial, notAfter: instant(Date.parse(shown.validTo)) };
  return admits(credential) ? credential : "refused";
}
