import { expect, test } from "vitest";
import { duration } from "#cli/terminal/format";
import { oneLine, sanitize, TerminalSanitizer } from "#cli/terminal/sanitizer";
import { layoutWidth } from "#cli/terminal/size";
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

test("a terminal that does not say how wide it is, or says nonsense, has 80 columns; one too narrow wraps lines", () => {
  const width = (columns: number | undefined) =>
    layoutWidth({ write: async () => {}, isTTY: true, columns, rows: undefined });

  expect([undefined, 0, -1, Number.NaN, 0.5, 1, 19, 20, 1e9].map(width)).toEqual([
    80,
    80,
    80,
    80,
    80,
    undefined,
    undefined,
    20,
    1e9,
  ]);
  expect(layoutWidth({ write: async () => {}, isTTY: false, columns: 40, rows: 10 })).toBeUndefined();
});

const wide: Column<readonly [string, string, string]>[] = [
  { title: "ID", cell: ([id]) => id, short: ([id]) => id.slice(0, 4) },
  { title: "AGENT", cell: ([, agent]) => agent, least: 6 },
  { title: "AGE", cell: () => "10 s ago", optional: true },
  { title: "ERROR", cell: ([, , error]) => error, least: 10 },
];

test("a table that is too wide is shortened, then cut where it is widest, then loses columns", () => {
  const at = (width: number) => table(wide, [["0123456789", "an_agent", "a long error message"]], width);

  expect(at(52)).toBe(
    "ID          AGENT     AGE       ERROR\n0123456789  an_agent  10 s ago  a long error message\n",
  );
  expect(at(50)).toBe("ID    AGENT     AGE       ERROR\n0123  an_agent  10 s ago  a long error message\n");
  expect(at(40)).toBe("ID    AGENT     AGE       ERROR\n0123  an_agent  10 s ago  a long error …\n");
  expect(at(34)).toBe("ID    AGENT   AGE       ERROR\n0123  an_ag…  10 s ago  a long er…\n");
  expect(at(30)).toBe("ID    AGENT     ERROR\n0123  an_agent  a long error …\n");
  expect(at(22)).toBe("ID    AGENT   ERROR\n0123  an_ag…  a long …\n");
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
