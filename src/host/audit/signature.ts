import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { join } from "node:path";
import { type Checkpoint, checkpointLine, signedText } from "#domain/audit/checkpoint";
import { Fault } from "#domain/fault";
import { writePrivate } from "#files/private";
import { readPrivate } from "../tls/private-files.js";

/** The key with which checkpoints are signed, and its public part as they name it. */
export interface AuditKey {
  readonly secret: KeyObject;
  readonly name: string;
}

/** The key of a data directory; made if there is none. @throws {Fault} if others can read it, or it is no Ed25519 key */
export async function openAuditKey(data: string): Promise<AuditKey> {
  const path = join(data, "audit.key");
  const found = await readPrivate(path);
  if (found !== undefined) {
    const secret = readKey(found, path);
    return { secret, name: nameOf(secret) };
  }
  const { privateKey } = generateKeyPairSync("ed25519");
  await writePrivate(path, String(privateKey.export({ type: "pkcs8", format: "pem" })));
  return { secret: privateKey, name: nameOf(privateKey) };
}

function readKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {}
  const message = `${path} is no Ed25519 key: put the one back that signed the checkpoints, or move it away for a new one.`;
  throw new Fault("invalid", message, { reason: "AUDIT_KEY_UNREADABLE" });
}

function nameOf(secret: KeyObject): string {
  return createPublicKey(secret).export({ type: "spki", format: "der" }).toString("base64");
}

export function signed(said: Omit<Checkpoint, "key" | "signature">, { secret, name }: AuditKey): Checkpoint {
  const whole = { ...said, key: name };
  return { ...whole, signature: sign(null, Buffer.from(signedText(whole)), secret).toString("base64") };
}

/**
 * The checkpoint in a line; undefined if it is none, or if the signature is not that of the key it names. Every byte counts: a
 * line that says the same in another form is refused.
 */
export function readCheckpoint(line: string): Checkpoint | undefined {
  try {
    const said: Checkpoint = JSON.parse(line);
    if (checkpointLine(said) !== line) return undefined;
    const der = Buffer.from(said.key, "base64");
    if (der.toString("base64") !== said.key) return undefined;
    const key = createPublicKey({ key: der, type: "spki", format: "der" });
    const signature = Buffer.from(said.signature, "base64");
    if (key.asymmetricKeyType !== "ed25519" || signature.toString("base64") !== said.signature)
      return undefined;
    return verify(null, Buffer.from(signedText(said)), key, signature) ? said : undefined;
  } catch {
    return undefined;
  }
}
