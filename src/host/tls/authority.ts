/** A certificate authority of the server's own. Loaded only where one is wanted. */
import "reflect-metadata";
import { createHash, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as Peculiar,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { SERVER_ID } from "#domain/server-id";
import { limits } from "#limits/index";
import type { TlsIdentity } from "#ports/tls";
import type { ServerNames } from "./names.js";
import { readPrivate, writePrivate } from "./private-files.js";

cryptoProvider.set(webcrypto as unknown as typeof globalThis.crypto);

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** What signs certificates. */
export interface Authority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  readonly key: webcrypto.CryptoKey;
}

/** The authority in a folder; made if there is none. @param folder of this user alone */
export async function openAuthority(folder: string, now: number): Promise<Authority> {
  const [certPath, keyPath] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  const [cert, key] = [await readPrivate(certPath), await readPrivate(keyPath)];
  // The key is written first, and is nothing without its certificate.
  if (cert !== undefined && key !== undefined) return { cert, key: await importKey(key) };
  const made = await makeAuthority(now);
  await writePrivate(keyPath, await exportKey(made.key));
  await writePrivate(certPath, made.cert);
  return made;
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
  const { notBefore, notAfter } = lifetime(now, limits.serverCertificateLife);
  const cert = await X509CertificateGenerator.create({
    serialNumber: makeSerial(),
    subject: "CN=TaskRun control plane",
    issuer: issuer.subject,
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
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
  const chain = `${cert.toString("pem").trim()}\n${authority.cert.trim()}\n`;
  return { cert: chain, key: await exportKey(keys.privateKey) };
}

/** What `--ca-pin` names: the SHA-256 of the public key of a certificate. */
export function pinOf(cert: string): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}

function alternatives({ dns, ip }: ServerNames): JsonGeneralName[] {
  return [
    { type: "url", value: SERVER_ID },
    ...dns.map((value) => ({ type: "dns", value }) as const),
    ...ip.map((value) => ({ type: "ip", value }) as const),
  ];
}

function lifetime(now: number, life: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - limits.certificateBackdated), notAfter: new Date(now + life) };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

/** 127 random bits and a leading zero: a serial number is positive. */
function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY").trim()}\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(pem), ECDSA, true, ["sign"]);
}
