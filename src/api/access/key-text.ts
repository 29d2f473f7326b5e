import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

/*
 * An API key is `tr_ID_SECRET_SUM`. The prefix and the sum let scanners of code and logs find keys that have leaked, and
 * tell them from other words; the sum also tells a key that was cut off from one that is unknown.
 */

/** The text of a key, and what is kept of it. */
export interface NewKey {
  readonly id: string;
  /** Shown once. */
  readonly text: string;
  readonly hash: string;
}

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 43 letters of 62 have 256 bits. */
const SECRET_LETTERS = 43;
const ID_LETTERS = 12;
const SUM_LETTERS = 6;
const KEY = /^tr_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;

export function makeKey(): NewKey {
  const id = lettersOf(ID_LETTERS);
  const secret = lettersOf(SECRET_LETTERS);
  const body = `tr_${id}_${secret}`;
  return { id, text: `${body}_${sumOf(body)}`, hash: hashOf(secret) };
}

/** The id and secret in the text of a key; undefined if it is none, or was changed. */
export function readKey(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id = "", secret = "", sum] = KEY.exec(text) ?? [];
  return sum !== undefined && sum === sumOf(`tr_${id}_${secret}`) ? { id, secret } : undefined;
}

/** Compares in a time that does not depend on how much is right. */
export function isSecret(secret: string, hash: string): boolean {
  return timingSafeEqual(
    Buffer.from(hashOf(secret), "hex"),
    Buffer.from(hash.padEnd(64, "0").slice(0, 64), "hex"),
  );
}

/** What is kept of a secret. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Letters drawn uniformly: bytes that would favour the first ones are drawn again. */
export function lettersOf(count: number): string {
  let letters = "";
  while (letters.length < count) {
    for (const byte of randomBytes(count)) {
      if (byte < 248 && letters.length < count) letters += LETTERS[byte % 62];
    }
  }
  return letters;
}

/** Six letters that tell whether a key was changed or cut off. */
export function sumOf(text: string): string {
  let rest = crc32(text);
  let letters = "";
  for (let n = 0; n < SUM_LETTERS; n++) {
    letters = `${LETTERS[rest % 62]}${letters}`;
    rest = Math.floor(rest / 62);
  }
  return letters;
}
