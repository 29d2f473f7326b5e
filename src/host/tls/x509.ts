/** What the certificates of this server's authority have in common. Loaded only where one is wanted. */
import "reflect-metadata";
import { createHash, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { cryptoProvider, PemConverter } from "@peculiar/x509";
import { limits } from "#limits/index";

cryptoProvider.set(webcrypto as unknown as typeof globalThis.crypto);

export const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** What signs certificates. */
export interface Authority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  readonly key: webcrypto.CryptoKey;
  /** The certificates above it, up to the root, as PEM; absent for a root. */
  readonly above?: string;
}

/** What `--ca-pin` names: the SHA-256 of the public key of a certificate. */
export function pinOf(cert: string): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}

/** In whole seconds, as certificates have them. @param most the end of whoever signs */
export function lifetime(now: number, life: number, most?: Date): { notBefore: Date; notAfter: Date } {
  const seconds = (ms: number) => new Date(Math.floor(ms / 1_000) * 1_000);
  const notAfter = seconds(now + life);
  return {
    notBefore: seconds(now - limits.certificateBackdated),
    notAfter: most && most < notAfter ? most : notAfter,
  };
}

export function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

/** 126 random bits, and leading ones that make it a positive number of always 16 bytes. */
export function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

export async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY").trim()}\n`;
}

export function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(pem), ECDSA, true, ["sign"]);
}
