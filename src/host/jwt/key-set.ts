import { createPublicKey } from "node:crypto";
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from "jose";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

/** Finds the public key of a token by its header. Rejects with errors of `jose`, or a Fault. */
export interface KeySource {
  readonly find: JWTVerifyGetKey;
  /** Looks no more for changes. */
  close(): void;
}

/** Kinds of public keys. Others in a set are not for us, and are passed over, as RFC 7517 has it. */
const KINDS: ReadonlySet<unknown> = new Set(["EC", "OKP", "RSA"]);
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * The public keys in the text of a JWKS, of one JWK, or of PEM blocks.
 *
 * @throws {Fault} `invalid` if there are none, too many, or if one is a private or shared key
 */
export function readKeySet(text: string): JWTVerifyGetKey {
  const found = text.trimStart().startsWith("{") ? jwksOf(text) : pemKeys(text);
  const secret = found.find((key) => key.d !== undefined || key.k !== undefined);
  if (secret)
    throw wrong(
      "holds a private or shared key: give only public ones, and make new keys if others can read it",
    );
  const keys = found.filter(({ kty }) => KINDS.has(kty));
  if (keys.length === 0)
    throw wrong("holds no public key: give a JWKS, or PEM that begins with -----BEGIN PUBLIC KEY-----");
  if (keys.length > limits.keySetKeys)
    throw wrong(`holds ${keys.length} keys; the limit is ${limits.keySetKeys}`);
  const find = createLocalJWKSet({ keys });
  return async (header, token) => find(header, token);
}

function jwksOf(text: string): readonly JWK[] {
  let parsed: { readonly keys?: unknown };
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw wrong("is no JSON", cause);
  }
  const keys = parsed.keys === undefined ? [parsed] : parsed.keys;
  if (Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null)) return keys;
  throw wrong('is no JWKS: it has no list "keys"');
}

function pemKeys(text: string): readonly JWK[] {
  return [...text.matchAll(PEM)].map(([block, kind = ""]) => {
    if (kind.includes("PRIVATE")) return { kty: "RSA", d: "" };
    try {
      return createPublicKey(block).export({ format: "jwk" }) as JWK;
    } catch (cause) {
      throw wrong(`has a block ${kind} that is no public key`, cause);
    }
  });
}

function wrong(says: string, cause?: unknown): Fault {
  return new Fault("invalid", says, { reason: "KEY_SET_UNREADABLE", cause });
}

/** True if the set has no key that a token's header names: another set may have it. */
export function isUnknownKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey;
}
