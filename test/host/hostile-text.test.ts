/** What agents, workers and clients write is a text wherever it is shown: a corpus of what would be more, over every way out. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { line } from "#cli/terminal/json";
import { oneLine } from "#cli/terminal/sanitizer";
import { table } from "#cli/terminal/table";
import { type AuditRecord, auditRecord } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import { createLog } from "#host/log";
import { jsonLine, readableLine } from "#worker/agent/log";

const corpus: Readonly<Record<string, string>> = {
  "a colour": "\u001b[31mred\u001b[0m",
  "a title": "\u001b]0;owned\u0007",
  "a link": "\u001b]8;;http://evil.example\u001b\\click\u001b]8;;\u001b\\",
  "the clipboard": "\u001b]52;c;cm0gLXJmIC8=\u0007",
  "a device string": "\u001bP+q544e\u001b\\",
  "a cleared screen": "\u001b[2J\u001b[H",
  "eight-bit controls": "\u009b2J\u009d0;t\u009c\u0085",
  "a sequence without an end": "\u001b[31",
  "a line that overwrites": "ok\rERROR\b\b",
  "a forged log line": 'x\n{"level":"info","msg":"all is well"}\r\n12:00:00.000 info  fine',
  "line separators": "a\u2028b\u2029c",
  "reordered text": "\u202etxt.exe\u2066x\u2069\u200f\u061c",
  "nothing and delete": "\u0000\u007f",
  "half a pair": "\ud800 \udc00",
  "a script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
  "a formula": "=cmd|' /C calc'!A0",
  "a metric": 'a"} 1\nforged{x="',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

function logged(readable: boolean, text: string): string {
  let written = "";
  const log = createLog({ readable, sink: { write: (entry: string) => (written += entry) } });
  log.warn({ [text]: text, workerId: text, nested: { name: text }, err: new Error(text) }, text);
  return written;
}

const NOW = new Date(0);
const fields = (text: string) => ({ workerId: text, nested: { [text]: text }, err: new Error(text) });

/** Every way out for texts, and how many lines one of them may take. */
const waysOut: Readonly<Record<string, (text: string) => string>> = {
  "the server's log": (text) => logged(false, text),
  "the server's log on a terminal": (text) => logged(true, text),
  "a worker's log": (text) => jsonLine("warn", text, fields(text), NOW),
  "a worker's log on a terminal": (text) => readableLine("warn", text, fields(text), NOW),
  "a table": (text) =>
    table(
      [
        { title: "A", cell: () => `x${text}` },
        { title: "B", cell: () => text },
      ],
      [1],
      80,
    ),
  "a line of JSON": (text) => line({ [text]: [text] }),
  "a line": (text) => `${oneLine(text)}\n`,
};

const cases = Object.keys(waysOut).flatMap((way) => Object.keys(corpus).map((what) => [what, way] as const));

test.each(cases)("%s is a text in %s", (what, way) => {
  const shown = waysOut[way]?.(corpus[what] ?? "") ?? "";
  expect(shown).not.toMatch(controls);
  const lines = shown.trimEnd().split("\n");
  if (way.endsWith("on a terminal")) {
    // Stacks follow in lines that are indented, so that none of them passes for an entry.
    expect(lines.slice(1).filter((each) => !each.startsWith("    "))).toEqual([]);
  } else expect(lines.length).toBe(way === "a table" ? 2 : 1);
  if (way.endsWith("log") || way === "a line of JSON") expect(() => JSON.parse(shown)).not.toThrow();
});

test.each(Object.keys(corpus))(
  "%s in an entry of the audit log is bounded, and the same after a journey as UTF-8",
  (what) => {
    const text = (corpus[what] ?? "").repeat(500);
    const record = auditRecord({
      at: instant(1),
      actor: text,
      action: "call",
      object: text,
      detail: text,
      namespace: text,
    });
    const texts = (each: AuditRecord) => [each.actor, each.object, each.detail, each.namespace];
    for (const each of texts(record)) {
      expect(Buffer.from(each).toString()).toBe(each);
      expect(Buffer.byteLength(each)).toBeLessThanOrEqual(1_024 + 2);
    }
  },
);

test("the inspector's page makes elements of texts only in the one file that cannot make markup of them", () => {
  const folder = join(import.meta.dirname, "../../src/inspect/page");
  const markup =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\(|new Function/;
  const sources = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  expect(sources.length).toBeGreaterThan(10);
  expect(sources.filter((name) => markup.test(readFileSync(join(folder, name), "utf8")))).toEqual([]);
  const makers = sources.filter((name) =>
    /createElement(NS)?\(/.test(readFileSync(join(folder, name), "utf8")),
  );
  // The other one makes a canvas, by which texts are measured.
  expect(makers).toEqual(["chart-pane.ts", "elements.ts"]);
});
