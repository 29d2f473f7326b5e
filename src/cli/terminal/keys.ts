import type { Key } from "./io.js";

/** What terminals send for keys that type no character: each knows several ways. */
const sequences: Readonly<Record<string, Key>> = {
  "\u001b[A": "up",
  "\u001b[B": "down",
  "\u001b[C": "right",
  "\u001b[D": "left",
  "\u001bOA": "up",
  "\u001bOB": "down",
  "\u001bOC": "right",
  "\u001bOD": "left",
  "\u001b[H": "home",
  "\u001b[F": "end",
  "\u001bOH": "home",
  "\u001bOF": "end",
  "\u001b[1~": "home",
  "\u001b[4~": "end",
  "\u001b": "escape",
  "\u0003": "interrupt",
  "\r": "enter",
  "\n": "enter",
  "\u007f": "backspace",
  "\b": "backspace",
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals send control characters for these keys
const one = /\u001b(?:O[A-Z]|\[[\d;]*[A-Za-z~])|[\s\S]/gu;

/** The keys in what a terminal has sent at once. Unknown sequences are left out. */
export function keysOf(text: string): readonly Key[] {
  return [...text.matchAll(one)].flatMap(
    ([sent]) => sequences[sent] ?? (sent.length <= 2 && sent >= " " ? [sent] : []),
  );
}
