import { expect, test } from "vitest";
import { isLinearizable, type Model, type Operation } from "./linearizable.js";

type Register = "0" | "1" | "2";

/** A register that is written and read. */
const register: Model<Register, string, string> = {
  initial: "0",
  apply: (state, input) =>
    input === "read" ? { state, answer: state } : { state: input as Register, answer: "ok" },
};

/** Operations from lines such as "1–4 read: 1"; without an answer if its moment is "?". */
function story(...lines: readonly string[]): Operation<string, string>[] {
  return lines.map((line) => {
    const [, asked, at, input = "", answer = ""] = /^(\d+)–(\d+|\?) (\w+)(?:: (\w+))?$/.exec(line) ?? [];
    const operation = { input, asked: Number(asked) };
    return at === "?" ? operation : { ...operation, answered: { at: Number(at), answer } };
  });
}

test.each([
  ["one after the other", ["0–1 1: ok", "2–3 read: 1"]],
  ["at once, the read last", ["0–3 1: ok", "1–2 read: 1"]],
  ["at once, the read first", ["0–3 1: ok", "1–2 read: 0"]],
  ["a write that was never answered and happened late", ["0–? 1", "1–2 read: 0", "3–4 read: 1"]],
  ["a write that never happened", ["0–? 1", "1–2 read: 0", "3–4 read: 0"]],
  ["two writes whose order only a later read tells", ["0–3 1: ok", "1–2 2: ok", "4–5 read: 1"]],
])("%s is the story of one object", (_, lines) => {
  expect(isLinearizable(story(...lines), register)).toBe(true);
});

test.each([
  ["a read that is stale", ["0–1 1: ok", "2–3 read: 0"]],
  ["a read of what was asked later", ["0–1 read: 1", "2–3 1: ok"]],
  ["a value that comes back", ["0–1 1: ok", "2–3 read: 1", "4–5 2: ok", "6–7 read: 1"]],
  [
    "reads that see two writes in two orders",
    ["0–9 1: ok", "1–8 2: ok", "2–3 read: 1", "4–5 read: 2", "6–7 read: 1"],
  ],
  ["a write that happened and did not", ["0–? 1", "1–2 read: 1", "3–4 read: 0"]],
])("%s is not", (_, lines) => {
  expect(isLinearizable(story(...lines), register)).toBe(false);
});
