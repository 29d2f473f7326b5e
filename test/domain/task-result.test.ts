import { expect, test } from "vitest";
import { resultBytes, resultText } from "#domain/task/result";
import type { StepRow } from "#domain/task/step";

type Given = readonly [name: string, output: string | undefined, ...dependsOn: string[]];

function of(...given: readonly Given[]) {
  const steps = given.map(
    ([name, output = "", ...dependsOn]): Pick<StepRow, "name" | "dependsOn" | "outputBytes"> => {
      return { name, dependsOn, outputBytes: Buffer.byteLength(output) };
    },
  );
  const outputs = new Map(given.map(([name, output]) => [name, output]));
  return { text: resultText(steps, (name) => outputs.get(name)), bytes: resultBytes(steps) };
}

test.each<[string, readonly Given[], string]>([
  [
    "the last Step's",
    [
      ["a", "1"],
      ["b", '{"x":"€"}', "a"],
    ],
    '{"x":"€"}',
  ],
  [
    "empty if that has none",
    [
      ["a", "1"],
      ["b", undefined, "a"],
    ],
    "",
  ],
  [
    "an object of several last ones",
    [
      ["a", "1"],
      ["b", "2", "a"],
      ["c", '"é"', "a"],
    ],
    '{"b":2,"c":"é"}',
  ],
  [
    "null for one of them that has none",
    [
      ["b", undefined],
      ["c", "3"],
      ['ü"', "4"],
    ],
    '{"b":null,"c":3,"ü\\"":4}',
  ],
  [
    "empty if none of them has one",
    [
      ["b", undefined],
      ["c", undefined],
    ],
    "",
  ],
  ["empty of no Step", [], ""],
])("a Task's result is %s, and as long as it is said to be", (_, given, expected) => {
  const { text, bytes } = of(...given);

  expect(text).toBe(expected);
  expect(bytes).toBe(Buffer.byteLength(expected));
});
