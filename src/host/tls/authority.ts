/** A certificate authority of the server's own. Loaded only where one is wanted. */
import "reflect-metadata";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as Peculiar,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { SERVER_ID } from "#domain/server-id";
import { writePrivate } from "#files/private";
import { limits } from "#limits/index";
import type { TlsIdentity } from "#ports/tls";
import type { ServerNames } from "./names.js";
import { readPrivate } from "./private-files.js";
import { type Authority, ECDSA, exportKey, importKey, lifetime, makeKeys, makeSerial } from "./x509.js";

export { type Authority, pinOf } from "./x509.js";

/** The authority in a folder; made if there is none. @param folder of this user alone */
export async function openAuthority(folder: string, now: number): Promise<Authority> {
  const there = await readAuthority(folder);
  if (there) return there;
  const made = await makeAuthority(now);
  await writePrivate(join(folder, "ca.key"), await exportKey(made.key));
  await writePrivate(join(folder, "ca.pem"), made.cert);
  return made;
}

/** The authority in a folder; undefined if there is none. */
export async function readAuthority(folder: string): Promise<Authority | undefined> {
  // The key is written first, and is nothing without its certificate.
  const cert = await readPrivate(join(folder, "ca.pem"));
  const key = await readPrivate(join(folder, "ca.key"));
  return cert === undefined || key === undefined ? undefined : { cert, key: await importKey(key) };
}

async function makeAuthority(now: number): Promise<Authority> {
  const keys = await makeKeys();
  const cert = await X509CertificateGenerator.createSelfSigned({
    serialNumber: makeSerial(),
    name: `CN=TaskRun authority ${randomBytes(4).toString("hex")}`,
    ...lifetime(now, limits.authorityLife),
    keys,
    signingAlgorithm: ECDSA,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: cert.toString("pem"), key: keys.privateKey };
}

/** A certificate of a server, with a new key. Its chain has the authority in it, for clients that know only the pin. */
export async function issueServer(
  authority: Authority,
  names: ServerNames,
  now: number,
): Promise<TlsIdentity> {
  const issuer = new Peculiar(authority.cert);
  const keys = await makeKeys();
  const cert = await X509CertificateGenerator.create({
    serialNumber: makeSerial(),
    subject: "CN=TaskRun control plane",
    issuer: issuer.subject,
    ...lifetime(now, limits.serverCertificateLife, issuer.notAfter),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: ECDSA,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      new SubjectAlternativeNameExtension(alternatives(names)),
    ],
  });
  const chain = `${cert.toString("pem").trim()}\n${authority.cert.trim()}\n${authority.above ?? ""}`;
  return { cert: chain, key: await exportKey(keys.privateKey) };
}

function alternatives({ dns, ip }: ServerNames): JsonGeneralName[] {
  return [
    { type: "url", value: SERVER_ID },
    ...dns.map((value) => ({ type: "dns", value }) as const),
    ...ip.map((value) => ({ type: "ip", value }) as const),
  ];
}
