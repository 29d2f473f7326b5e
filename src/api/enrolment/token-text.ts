import { hashOf, lettersOf, sumOf } from "../access/key-text.js";

/*
 * The token of an invitation is `trb_ID_SECRET_SUM`, made as an API key is: the prefix and the sum let scanners find one that has leaked.
 */

/** The text of a token, and what is kept of it. */
export interface NewToken {
  readonly id: string;
  /** Shown once. */
  readonly text: string;
  readonly hash: string;
}

const ID_LETTERS = 10;
const SECRET_LETTERS = 43;
const TOKEN = /^trb_([0-9A-Za-z]{10})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;

export function makeToken(): NewToken {
  const id = lettersOf(ID_LETTERS);
  const secret = lettersOf(SECRET_LETTERS);
  const body = `trb_${id}_${secret}`;
  return { id, text: `${body}_${sumOf(body)}`, hash: hashOf(secret) };
}

/** The id and secret in the text of a token; undefined if it is none, or was changed. */
export function readToken(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id = "", secret = "", sum] = TOKEN.exec(text) ?? [];
  return sum !== undefined && sum === sumOf(`trb_${id}_${secret}`) ? { id, secret } : undefined;
}
