import { X509Certificate } from "node:crypto";
import { Fault } from "#domain/fault";
import type { TlsIdentity } from "#ports/tls";

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The authorities of clients, of a file that an operator has named, checked: they must be roots, and none the one that signs for this
 * server's own workers, or the two paths would be one.
 *
 * @param own what this server trusts to sign for workers, if it does
 * @throws {Fault} `invalid`
 */
export function clientAuthorities(path: string, pem: string, own: TlsIdentity["clientCa"]): string {
  const texts = pem.match(PEM) ?? [];
  if (texts.length === 0) throw wrong(path, "has no certificate in it: write one or more, as PEM");
  const workers = (own?.match(PEM) ?? []).map(publicKeyOf);
  for (const text of texts) {
    const found = read(path, text);
    const name = JSON.stringify(found.subject.replaceAll("\n", ", "));
    if (!found.ca) throw wrong(path, `has the certificate of ${name} in it, which is no authority`);
    if (!found.checkIssued(found))
      throw wrong(path, `has ${name} in it, which another one has signed: name the root`);
    if (workers.includes(publicKeyOf(text)))
      throw wrong(path, "is the authority of this server's own workers: clients need another one");
  }
  return texts.join("\n");
}

function read(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw wrong(path, "has something in it that is no certificate", cause);
  }
}

function publicKeyOf(pem: string): string {
  return new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" }).toString();
}

function wrong(path: string, what: string, cause?: unknown): Fault {
  return new Fault("invalid", `client-ca: ${path} ${what}.`, { reason: "TLS_UNREADABLE", cause });
}
