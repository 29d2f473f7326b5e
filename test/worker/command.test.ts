import fc from "fast-check";
import { expect, test } from "vitest";
import { splitCommand } from "#worker/exec/command";

test.each([
  ["python3 agent.py --fast", ["python3", "agent.py", "--fast"]],
  ["  a\t b\n c  ", ["a", "b", "c"]],
  ["sh -c 'echo \"$HOME\" | wc'", ["sh", "-c", 'echo "$HOME" | wc']],
  ['say "a \\"b\\" \\$c \\d"', ["say", 'a "b" $c \\d']],
  ["a\\ b c''d \"\"", ["a b", "cd", ""]],
  ["$HOME *.ts ~ a|b;c&", ["$HOME", "*.ts", "~", "a|b;c&"]],
])("%s becomes words as a shell would make them, with nothing expanded", (text, words) => {
  expect(splitCommand(text)).toEqual(words);
});

test.each([
  ["echo 'a", "quote ' at character 6 is not closed: echo 'a"],
  ['"', 'quote " at character 1 is not closed: "'],
  ["echo \\", "command ends in a backslash: echo \\"],
  ["   ", "command is empty: name a program"],
])("%s is refused with the reason", (text, message) => {
  expect(() => splitCommand(text)).toThrow(new SyntaxError(message));
});

test("any words, quoted, come back as they were", () => {
  const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
      expect(splitCommand(words.map(quote).join(" "))).toEqual(words);
    }),
  );
});
