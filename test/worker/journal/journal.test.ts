import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { canonicalJson, inputDigest } from "#worker/journal/canonical";
import { type Asked, Journal } from "#worker/journal/journal";
import { record } from "./kit.js";

const step = (name: string, changes: Partial<Asked> = {}): Asked => ({
  ...{ kind: "STEP", name, inputDigest: "", effect: "IDEMPOTENT" },
  ...changes,
});

/** Asks for a step that is not done before the next one is asked for. */
const begin = (journal: Journal, name: string) => journal.ask(step(name)).entry;

/** Does a step from beginning to end. */
function whole(journal: Journal, name: string) {
  const entry = begin(journal, name);
  const [made] = journal.complete(entry, "");
  journal.returned();
  return made;
}

test("entries count from one in the order of their first records, whatever order they were asked for in", () => {
  const journal = new Journal();
  const [a, b] = [begin(journal, "a"), begin(journal, "b")];

  expect(journal.complete(b, "2")).toMatchObject([{ seq: 0, entry: 1, name: "b", concurrent: true }]);
  expect(journal.complete(a, "1")).toMatchObject([{ seq: 1, entry: 2, name: "a", concurrent: false }]);
});

test("what is begun when two calls were settled at once runs beside what may still go on", () => {
  const journal = new Journal();
  const [a, b] = [begin(journal, "a"), begin(journal, "b")];
  journal.complete(a, "");
  journal.complete(b, "");
  journal.returned();
  journal.returned();

  expect(begin(journal, "c")).toMatchObject({ concurrent: true });
});

test("what is begun when all that goes on is known to be it runs alone", () => {
  const journal = new Journal();
  const [a, b] = [begin(journal, "a"), begin(journal, "b")];
  journal.complete(a, "");
  journal.complete(b, "");
  journal.returned();
  journal.returned();
  journal.turnEnded();

  expect(begin(journal, "c")).toMatchObject({ concurrent: false });
});

test.each([
  ["another name", [record({ name: "a" })], step("b"), /step "b": the name has changed/],
  ["another kind", [record({ name: "a" })], step("a", { kind: "TOOL" }), /tool "a": the name has changed/],
  [
    "another input",
    [record({ name: "a", inputDigest: "1".repeat(64) })],
    step("a", { inputDigest: "2".repeat(64) }),
    /step "a" with input 11111111… next \(entry 1\), and now it is step "a" with input 22222222…: the input has/,
  ],
  [
    "another order",
    [record({ name: "a" }), record({ seq: 1, entry: 2, name: "b" })],
    step("b"),
    /had step "a" next \(entry 1\), and now it is step "b": the order has changed/,
  ],
])("a call that does not fit is told so: %s", (_, earlier, asked, complaint) => {
  expect(() => new Journal(earlier).ask(asked)).toThrow(complaint);
});

test("entries that ran at once may be asked for in any order, with new ones between", () => {
  const journal = new Journal([
    record({ name: "b", concurrent: true }),
    record({ seq: 1, entry: 2, name: "c", concurrent: true }),
  ]);

  expect(journal.ask(step("a")).answer).toBe("run");
  expect(journal.ask(step("c")).answer).toBe("completed");
  expect(() => journal.checkAllAsked()).toThrow(/step "b" next \(entry 1\), and now the agent has returned/);
  expect(journal.ask(step("b")).answer).toBe("completed");
  journal.checkAllAsked();
});

test.each([
  ["completed", record({})],
  ["failed", record({ state: "FAILED" })],
  ["run", record({ state: "NOT_DONE", effect: "ONCE" })],
  ["in doubt", record({ state: "BEGUN", effect: "ONCE" })],
] as const)("what an earlier run has journaled is %s", (answer, earlier) => {
  expect(new Journal([earlier]).ask(step("a")).answer).toBe(answer);
});

test.each(["SLEEP", "SIGNAL", "CHILD"] as const)("a %s that is not over is waited for", (kind) => {
  const journal = new Journal([record({ kind, state: "BEGUN" })]);
  expect(journal.ask(step("a", { kind })).answer).toBe("waiting");
});

test("a journal has so many entries, and so many of them that are not over", () => {
  const journal = new Journal();
  for (let i = 0; i < limits.journalOpen; i += 1) journal.begin(begin(journal, "a"));
  expect(() => journal.begin(begin(journal, "a"))).toThrow(
    /more than 256 durable steps have begun and are not over/,
  );

  const full = new Journal();
  for (let i = 0; i < limits.journalEntries; i += 1) whole(full, "a");
  expect(() => begin(full, "a")).toThrow(/more than 10000 durable steps, the most that a journal has/);
});

test("a journal has so many bytes", () => {
  const journal = new Journal();
  const large = "x".repeat(limits.resultBytes);
  for (let i = 0; i < 63; i += 1) journal.complete(begin(journal, "a"), large);
  expect(() => journal.complete(begin(journal, "a"), large)).toThrow(
    /more than 67108864 bytes or 40000 records/,
  );
});

// The examples of RFC 8785, sections 3.2.2 and 3.2.3.
test("canonical JSON is that of RFC 8785", () => {
  expect(
    canonicalJson(JSON.parse('{"numbers":[333333333.33333329,1E30,4.50,2e-3,1e-27],"a":[null,true]}')),
  ).toBe('{"a":[null,true],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}');
  const names = ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6"];
  const sorted = Object.keys(
    JSON.parse(canonicalJson(Object.fromEntries(names.map((name, i) => [name, i])))) as object,
  );
  expect(canonicalJson(Object.fromEntries(names.map((name) => [name, 0])))).toBe(
    '{"\\r":0,"1":0,"\u0080":0,"\u00f6":0,"\u20ac":0,"\u{1f600}":0,"\ufb33":0}',
  );
  expect(sorted).toHaveLength(7);
  expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
});

test("a digest is of the input's canonical JSON; no input has none", () => {
  expect(inputDigest({ b: 1, a: [2] }, "input")).toBe(inputDigest({ a: [2], b: 1 }, "input"));
  expect(inputDigest(undefined, "input")).toBe("");
  expect(inputDigest(null, "input")).toMatch(/^[0-9a-f]{64}$/);
  expect(() => inputDigest(1n, 'input of step "a"')).toThrow(/input of step "a" cannot be written as JSON/);
});
