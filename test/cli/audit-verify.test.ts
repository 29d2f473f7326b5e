import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportLine } from "#cli/audit/list";
import { checkpointLine } from "#domain/audit/checkpoint";
import { type AuditRecord, auditRecord, hashedText, recordText } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import { openAuditKey, signed } from "#host/audit/signature";
import { entryOf, linked, sha256 } from "#stores/shared/audit-chain";
import { taskrun } from "./fake-io.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-verify-"));
afterAll(() => rmSync(root, { recursive: true }));

const said = (object: string, at: number): AuditRecord =>
  auditRecord({
    at: instant(at),
    actor: "key:a",
    action: "worker.drain",
    object,
    detail: "tab\t\u001b[31mred ü",
  });
const chains = { server: 6, "node-2": 4 } as const;
const entries = Object.entries(chains).flatMap(([chain, length]) => {
  const records = Array.from({ length }, (_, i) => said(`worker ${i + 1}`, 1_000 + i));
  return linked({ chain, records }).map((record) => entryOf(chain, record));
});
const whole = entries.map((entry) => exportLine(entry).trimEnd());
let checkpoints: string[] = [];

beforeAll(async () => {
  const key = await openAuditKey(root);
  const mark = (chain: string, seq: number) => {
    const { hash = "" } = entries.find((entry) => entry.chain === chain && entry.seq === seq) ?? {};
    return { chain, seq, hash };
  };
  const others = [mark("node-2", 4)];
  checkpoints = [
    signed({ kind: "checkpoint", ...mark("server", 3), at: 60_000, others: [] }, key),
    signed({ kind: "checkpoint", ...mark("server", 6), at: 120_000, others }, key),
  ].map(checkpointLine);
});

let files = 0;
async function verify(
  lines: readonly string[] | string,
  signedLines: readonly string[] | string = checkpoints,
) {
  const [log, marks] = [join(root, `log-${++files}`), join(root, `marks-${files}`)];
  const textOf = (given: readonly string[] | string) =>
    typeof given === "string" ? given : given.map((line) => `${line}\n`).join("");
  writeFileSync(log, textOf(lines));
  writeFileSync(marks, textOf(signedLines));
  const { code, stdout, stderr } = await taskrun(["audit", "verify", log, "--checkpoints", marks]);
  return { code, found: stdout.split("\n").filter(Boolean), told: stderr };
}

test("a whole log is whole, whichever of its chains comes first, and it says how far a checkpoint vouches for it", async () => {
  const { code, found, told } = await verify(whole);
  expect([code, found]).toEqual([0, []]);
  expect(told).toContain("server: entries 1 to 6, vouched for up to 6");
  expect(told).toContain("node-2: entries 1 to 4, vouched for up to 4");
  expect((await verify([...whole.slice(6), ...whole.slice(0, 6)])).code).toBe(0);
});

test("each edit, deletion, insertion, reordering and truncation is found, and named by chain and number", async () => {
  const without = (...places: number[]) => whole.filter((_, i) => !places.includes(i));
  const edited = [...whole];
  edited[1] = (whole[1] ?? "").replace("worker 2", "worker 9");
  const found = async (lines: readonly string[]) => (await verify(lines)).found;

  expect(await found(edited)).toEqual(["server 2: entry 2 was changed: its hash is of something else"]);
  expect(await found(without(2))).toEqual(["server 3: entry 3 is missing"]);
  expect(await found(without(1, 2))).toEqual(["server 2: entry 2 is missing, and so on to 3"]);
  expect(await found(without(5))).toEqual([
    "server 6: entry 6 is missing: a checkpoint of 1970-01-01T00:02:00.000Z has it",
  ]);
  expect(await found(without(0))).toEqual([
    "server 1: entry 1 is missing: nothing signed says that it was removed",
  ]);
  expect(await found(without(6, 7, 8, 9))).toEqual([
    "node-2 1: entry 1 is missing, and so on to 4: a checkpoint of 1970-01-01T00:02:00.000Z has it",
  ]);
  const [a = "", b = "", c = "", ...rest] = whole;
  expect(await found([a, c, b, ...rest])).toEqual([
    "server 2: entry 2 is missing",
    "server 2: entry 2 is out of order: it comes after entry 3",
  ]);
  expect(await found([a, b, b, c, ...rest])).toEqual([
    "server 2: entry 2 is out of order: it comes after entry 2",
  ]);
});

test("an entry that was replaced together with its hash is found by the one that follows, and the last one by a checkpoint", async () => {
  const forged = (i: number) => {
    const entry = entries[i];
    if (!entry) throw new Error("no entry");
    const other = { ...entry, object: "worker none" };
    const hash = sha256(hashedText(other.chain, other.seq, other.prev, recordText(other)));
    return exportLine({ ...other, hash }).trimEnd();
  };
  const replaced = (i: number) => whole.map((line, n) => (n === i ? forged(i) : line));
  expect((await verify(replaced(1))).found).toEqual([
    "server 3: entry 3 does not follow from the entry before it: that one was replaced",
  ]);
  expect((await verify(replaced(5))).found).toEqual([
    "server 6: entry 6 is not the one that the checkpoint of 1970-01-01T00:02:00.000Z vouches for",
  ]);
  expect((await verify(replaced(5), [])).code).toBe(0);
});

test("a log that was made anew from its beginning is not the one that was signed", async () => {
  const anew = linked({
    chain: "server",
    records: entries.slice(0, 6).map((entry) => ({ ...entry, actor: "key:b" })),
  });
  const lines = anew.map((record) => exportLine(entryOf("server", record)).trimEnd());
  expect((await verify([...lines, ...whole.slice(6)])).found).toEqual([
    "server 3: entry 3 is not the one that the checkpoint of 1970-01-01T00:01:00.000Z vouches for",
    "server 6: entry 6 is not the one that the checkpoint of 1970-01-01T00:02:00.000Z vouches for",
  ]);
});

test("whatever byte of a log or of its checkpoints is changed, removed or put in, it is found", async () => {
  const texts = { log: `${whole.join("\n")}\n`, marks: `${checkpoints.join("\n")}\n` };
  const mutation = fc.record({
    where: fc.constantFrom("log" as const, "marks" as const),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    how: fc.constantFrom("flip" as const, "remove" as const, "insert" as const, "swap" as const),
    byte: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(mutation, async ({ where, place, how, byte }) => {
      const bytes = [...Buffer.from(texts[where])];
      const at = Math.floor(place * (bytes.length - 1));
      const [old = 0, next = 0] = bytes.slice(at, at + 2);
      if (how === "flip") bytes[at] = old ^ byte;
      if (how === "remove") bytes.splice(at, 1);
      if (how === "insert") bytes.splice(at, 0, byte);
      if (how === "swap") bytes.splice(at, 2, next, old);
      const changed = Buffer.from(bytes);
      // Invalid UTF-8 and an empty line say nothing else than the text did.
      fc.pre(changed.toString("utf8") !== texts[where]);
      fc.pre(changed.toString("utf8").split("\n").filter(Boolean).join("\n") !== texts[where].trimEnd());
      const log = where === "log" ? changed.toString("utf8") : texts.log;
      const marks = where === "marks" ? changed.toString("utf8") : texts.marks;
      const { code, found } = await verify(log, marks);
      expect(code).toBe(1);
      expect(found.length).toBeGreaterThan(0);
    }),
    { numRuns: Number(process.env.AUDIT_MUTATIONS ?? 300) },
  );
}, 60_000);

test("a line that says the same in another form, or more than its entry, is a finding", async () => {
  const [line = "", ...rest] = whole;
  const said = JSON.parse(line) as Record<string, unknown>;
  const { chain, ...others } = said;
  const forms = {
    "a space": line.replace('{"chain"', '{ "chain"'),
    "a field more": line.replace("{", '{"note":"all is well",'),
    "another order": JSON.stringify({ ...others, chain }),
    "a number in another form": line.replace('"seq":1,', '"seq":1.0,'),
    "an escape that need not be": line.replace("key:a", "key:\\u0061"),
  };
  for (const [what, form] of Object.entries(forms)) {
    expect(form, what).not.toBe(line);
    expect((await verify([form, ...rest])).found, what).toContain(
      "export 0: entry 0 is the last before a line that is no entry, or not as it was exported",
    );
  }
});

test("a checkpoint of which anything was changed but its signature, or its signature, is none", async () => {
  const [first = "", second = ""] = checkpoints;
  const other = JSON.parse(first) as { signature: string; key: string };
  const forged = {
    "its instant": first.replace('"at":60000', '"at":50000'),
    "what it says of others": second.replace(/"others":\[.*?\]/, '"others":[]'),
    "its kind": first.replace('"kind":"checkpoint"', '"kind":"removed"'),
    "its signature": second.replace(/"signature":"[^"]*"/, `"signature":"${other.signature}"`),
  };
  for (const [what, line] of Object.entries(forged)) {
    expect([first, second], what).not.toContain(line);
    const { code, found } = await verify(whole, [first, line, second]);
    expect(code, what).toBe(1);
    expect(found.join(), what).toContain("a line of the checkpoints that is none: it was changed");
  }
});

test("checkpoints of another key are refused if the key is said, and a file that is not there is named", async () => {
  const marks = join(root, "marks");
  const log = join(root, "log");
  writeFileSync(marks, `${checkpoints.join("\n")}\n`);
  writeFileSync(log, `${whole.join("\n")}\n`);
  const { name } = await openAuditKey(root);
  const by = (key: string) => taskrun(["audit", "verify", log, "--checkpoints", marks, "--key", key]);
  expect((await by(name)).code).toBe(0);
  expect((await by("another")).stdout).toContain("signed by another key");
  const missing = await taskrun(["audit", "verify", join(root, "none")]);
  expect(missing).toMatchObject({ code: 2 });
  expect(missing.stderr).toContain("none cannot be read");
});

test("nothing of an entry reaches the terminal as a control, and an export with controls verifies", async () => {
  expect(whole.join("")).not.toContain("\u001b");
  expect(readFileSync(join(root, "log"), "utf8")).toContain("\\u001b");
});
