/** A key of a worker's own, and the request for its certificate. Loaded only where a worker enrols or renews. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { cryptoProvider, PemConverter, Pkcs10CertificateRequestGenerator } from "@peculiar/x509";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A new key as PEM; it stays on this machine. */
export async function makeKey(): Promise<string> {
  cryptoProvider.set(webcrypto as unknown as typeof globalThis.crypto);
  const { privateKey } = (await webcrypto.subtle.generateKey(ECDSA, true, [
    "sign",
  ])) as webcrypto.CryptoKeyPair;
  return `${PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY").trim()}\n`;
}

/** The request for a certificate of a key, signed by it: whoever gets it knows that its sender has the key. */
export async function requestFor(key: string): Promise<string> {
  cryptoProvider.set(webcrypto as unknown as typeof globalThis.crypto);
  const pkcs8 = PemConverter.decodeFirst(key);
  const privateKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, ECDSA, true, ["sign"]);
  const { kty = "EC", crv = "P-256", x = "", y = "" } = await webcrypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await webcrypto.subtle.importKey("jwk", { kty, crv, x, y }, ECDSA, true, ["verify"]);
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=worker",
    keys: { privateKey, publicKey },
    signingAlgorithm: ECDSA,
  });
  return `${csr.toString("pem").trim()}\n`;
}
