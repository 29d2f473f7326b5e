/** Requests for certificates (PKCS#10, RFC 2986), of senders that may be hostile. */
import "reflect-metadata";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { CheckedCsr } from "#ports/authority";
import "./x509.js";

const PEM =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END \1?CERTIFICATE REQUEST-----\s*$/;

/** Elliptic curves whose keys are certified; and Ed25519. */
const CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1"];

/**
 * Checks that a text is one request, in DER without anything behind it, of a key that may be certified, and signed by that key: its sender
 * has the key. Nothing else in it is looked at.
 *
 * @throws {Fault} `invalid`, reason `CSR_INVALID`
 */
export async function checkCsr(pem: string): Promise<CheckedCsr> {
  const csr = parse(derOf(pem));
  const key = keyOf(csr.publicKey.rawData);
  checkType(key);
  const spki = key.export({ type: "spki", format: "der" });
  // A key that is written in another way than this would get past a list of keys that are refused.
  if (!spki.equals(Buffer.from(csr.publicKey.rawData))) throw invalid("its key is written in an unusual way");
  const isSigned = await csr.verify().catch(() => false);
  if (!isSigned) throw invalid("it is not signed by its own key: sign it by the key that it names");
  return { spki, spkiHash: createHash("sha256").update(spki).digest("hex") };
}

function derOf(pem: string): Buffer {
  const bytes = Buffer.byteLength(pem);
  if (bytes > limits.csrBytes)
    throw invalid(`it has ${bytes} bytes, and ${limits.csrBytes} at most are read`);
  const [, , base64] = PEM.exec(pem) ?? [];
  if (base64 === undefined) throw invalid("send one CERTIFICATE REQUEST as PEM, and nothing else");
  const der = Buffer.from(base64, "base64");
  if (der.length !== lengthOf(der)) throw invalid("it is no single element of DER");
  return der;
}

/** The bytes of the SEQUENCE at the beginning, by its header in DER; -1 if there is none. */
function lengthOf(der: Buffer): number {
  const [tag, first = 0] = der;
  if (tag !== 0x30 || first === 0x80 || first > 0x82) return -1;
  if (first < 0x80) return 2 + first;
  const count = first - 0x80;
  const length = der.length < 2 + count ? -1 : der.readUIntBE(2, count);
  const isShortest = length >= (count === 1 ? 0x80 : 0x100);
  return isShortest ? 2 + count + length : -1;
}

function parse(der: Buffer): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(new Uint8Array(der));
  } catch {
    throw invalid("it cannot be read as a PKCS#10 request");
  }
}

function keyOf(spki: ArrayBuffer): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    throw invalid("its key cannot be read");
  }
}

function checkType({ asymmetricKeyType: type, asymmetricKeyDetails }: KeyObject): void {
  const curve = asymmetricKeyDetails?.namedCurve;
  if (type === "ed25519" || (type === "ec" && CURVES.includes(curve))) return;
  throw invalid(
    `a key of ${curve ?? type ?? "an unknown kind"} is not certified: use one of P-256, P-384 or Ed25519`,
  );
}

function invalid(why: string): Fault {
  return new Fault("invalid", `the request for a certificate is refused: ${why}.`, {
    field: "csr",
    reason: "CSR_INVALID",
  });
}
