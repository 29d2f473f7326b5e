import { expect, test } from "vitest";
import { duration } from "#cli/terminal/format";
import { oneLine, sanitize, TerminalSanitizer } from "#cli/terminal/sanitizer";
import { type Column, displayWidth, table, truncate } from "#cli/terminal/table";

const columns: Column<readonly [string, string]>[] = [
  { title: "NAME", cell: ([name]) => name },
  { title: "WHAT", cell: ([, what]) => what, paint: (what) => `<${what}>` },
];

test("columns are as wide as what is in them, wide signs and joined marks counted right", () => {
  const rows = [
    ["a", "1"],
    ["日本", "two"],
    ["e\u0301tude", "3"],
  ] as const;

  expect(table(columns, rows)).toBe("NAME   WHAT\na      <1>\n日本   <two>\ne\u0301tude  <3>\n");
});

test("a line is cut to the width, and a cell keeps to its line", () => {
  expect(table(columns, [["name", "a long story\nof two lines"]], 14)).toBe("NAME  WHAT\nname  <a long …>\n");
});

test("a text is cut by its width, not its length", () => {
  expect([truncate("日本語", 6), truncate("日本語", 5), truncate("abc", 2), truncate("abc", 0)]).toEqual([
    "日本語",
    "日本…",
    "a…",
    "",
  ]);
  expect(["", "a", "日", "👍", "e\u0301"].map(displayWidth)).toEqual([0, 1, 2, 2, 1]);
});

test.each([
  ["a colour", "\u001b[31mred\u001b[0m", "red"],
  ["a title", "\u001b]0;evil\u0007x", "x"],
  ["a link, ended by ST", "\u001b]8;;http://x\u001b\\text\u001b]8;;\u001b\\", "text"],
  ["a clipboard write", "\u001bP+q\u001b\\ok", "ok"],
  ["eight-bit controls", "\u009b2Ja\u009dtitle\u009cb", "ab"],
  ["a charset", "\u001b(Bx", "x"],
  ["returns, bells and backspaces", "a\rb\u0007c\u0008d", "abcd"],
  ["reordering marks", "a\u202eb\u2066c", "abc"],
  ["tabs and line feeds, which stay", "a\tb\nc", "a\tb\nc"],
  ["a sequence nobody ends, which costs a line", "\u001b]0;title\nnext", "\nnext"],
])("inert text: %s", (_, text, shown) => {
  expect(sanitize(text)).toBe(shown);
  const filter = new TerminalSanitizer();
  expect([...text].map((char) => filter.pass(char)).join("")).toBe(shown);
});

test("one line is one line", () => {
  expect(oneLine("a\n\nb\tc\u001b[1m")).toBe("a b c");
});

test.each([
  [0, "0 ms"],
  [850, "850 ms"],
  [1_234, "1.2 s"],
  [125_000, "2m 05s"],
  [11_040_000, "3h 04m"],
  [442_800_000, "5d 3h"],
])("%i ms is %s", (ms, text) => expect(duration(ms)).toBe(text));
