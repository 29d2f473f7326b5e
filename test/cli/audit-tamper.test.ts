/**
 * The log of several nodes, each with a chain, a key and a file of checkpoints of its own. Whatever is done to an export, the file of any
 * one of the nodes tells.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportLine } from "#cli/audit/list";
import { type ChainMark, checkpointLine } from "#domain/audit/checkpoint";
import { type AuditEntry, type AuditRecord, auditRecord } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import { type AuditKey, openAuditKey, signed } from "#host/audit/signature";
import { entryOf, linked } from "#stores/shared/audit-chain";
import { taskrun } from "./fake-io.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-tamper-"));
afterAll(() => rmSync(root, { recursive: true }));

const nodes = ["node-a", "node-b", "node-c"] as const;
const keys = new Map<string, AuditKey>();
beforeAll(async () => {
  for (const node of nodes) {
    const folder = join(root, node);
    const { mkdirSync } = await import("node:fs");
    mkdirSync(folder);
    keys.set(node, await openAuditKey(folder));
  }
});

type Chains = ReadonlyMap<string, readonly AuditEntry[]>;

const record = (object: string, at: number): AuditRecord =>
  auditRecord({ at: instant(at), actor: "key:a", action: "worker.drain", object, detail: "in the way" });

function chained(chain: string, records: readonly AuditRecord[]): readonly AuditEntry[] {
  return linked({ chain, records }).map((each) => entryOf(chain, each));
}

const linesOf = (entries: Iterable<AuditEntry>) => [...entries].map((entry) => exportLine(entry).trimEnd());

/** The ends of all chains, when so much of each was written. */
function marksAt(chains: Chains, part: number): ChainMark[] {
  return [...chains].flatMap(([chain, entries]) => {
    const { seq, hash } = entries[Math.ceil(entries.length * part) - 1] ?? {};
    return seq === undefined || hash === undefined ? [] : [{ chain, seq, hash }];
  });
}

/** What one node has signed: halfway, and at the end. */
function checkpointsOf(node: string, chains: Chains): string {
  const key = keys.get(node);
  const lines = [0.5, 1].map((part) => {
    const marks = marksAt(chains, part);
    const own = marks.find(({ chain }) => chain === node);
    const others = marks.filter((mark) => mark !== own);
    if (!key || !own) throw new Error(`${node} has no key or no entry`);
    return checkpointLine(signed({ kind: "checkpoint", ...own, at: part * 60_000, others }, key));
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** A number that chooses a place in a list of any length. */
const place = fc.nat(999);
const change = fc.oneof(
  fc.record({
    how: fc.constant("edit" as const),
    at: place,
    field: fc.constantFrom("actor", "object", "detail", "namespace"),
  }),
  fc.record({ how: fc.constant("remove" as const), at: place, count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ how: fc.constant("swap" as const), at: place, to: place }),
  fc.record({ how: fc.constant("repeat" as const), at: place, to: place }),
  fc.record({ how: fc.constant("truncate" as const), at: place }),
  fc.record({ how: fc.constant("drop chain" as const), at: place }),
  fc.record({ how: fc.constant("rewrite" as const), at: place }),
  fc.record({ how: fc.constant("insert" as const), at: place }),
  fc.record({ how: fc.constant("rename" as const), at: place }),
  fc.record({ how: fc.constant("empty" as const) }),
);
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;

/** The chains after somebody who can write everything but checkpoints has changed them. */
function tampered(chains: Chains, done: Change): Map<string, readonly AuditEntry[]> {
  const after = new Map(chains);
  if (done.how === "empty") return new Map();
  const chain = pick([...chains.keys()], done.at);
  const entries = chains.get(chain) ?? [];
  const at = Math.floor(done.at / chains.size) % entries.length;
  const entry = entries[at] as AuditEntry;
  const without = (from: number, count: number) => entries.filter((_, i) => i < from || i >= from + count);
  const renewed = (records: readonly AuditRecord[]) => after.set(chain, chained(chain, records));
  switch (done.how) {
    case "edit":
      return after.set(
        chain,
        entries.with(at, { ...entry, [done.field]: `${entry[done.field as "actor"]}x` }),
      );
    case "remove":
      return after.set(chain, without(at, done.count));
    case "swap": {
      const to = done.to % entries.length;
      return after.set(chain, entries.with(at, entries[to] as AuditEntry).with(to, entry));
    }
    case "repeat":
      return after.set(chain, entries.toSpliced(done.to % (entries.length + 1), 0, entry));
    case "truncate":
      return after.set(chain, entries.slice(0, at));
    case "drop chain":
      after.delete(chain);
      return after;
    // With all hashes of the chain made anew, as only a checkpoint tells.
    case "rewrite":
      return renewed(entries.with(at, { ...entry, actor: "key:b" }));
    case "insert":
      return renewed([...entries.slice(0, at), record("worker forged", entry.at), ...entries.slice(at)]);
    case "rename":
      return after.set(
        chain,
        entries.with(at, { ...entry, chain: pick(nodes, nodes.indexOf(chain as "node-a") + 1) }),
      );
  }
}

const lengths = fc.tuple(...nodes.map(() => fc.integer({ min: 1, max: 6 })));

test("edits, deletions, insertions, another order, a cut end and a chain that is gone: the file of any one node tells", async () => {
  let files = 0;
  const [log, marks] = [join(root, "log"), join(root, "marks")];
  const verify = async (lines: readonly string[], checkpoints: string) => {
    files += 1;
    writeFileSync(log, lines.map((line) => `${line}\n`).join(""));
    writeFileSync(marks, checkpoints);
    return taskrun(["audit", "verify", log, "--checkpoints", marks]);
  };
  const found = async (sizes: readonly number[], by: number, done: Change) => {
    const chains: Chains = new Map(
      nodes.map((node, n) => {
        const records = Array.from({ length: sizes[n] ?? 1 }, (_, i) => record(`worker ${i}`, 1_000 * n + i));
        return [node, chained(node, records)];
      }),
    );
    const checkpoints = checkpointsOf(pick(nodes, by), chains);
    const whole = linesOf([...chains.values()].flat());
    const changed = linesOf([...tampered(chains, done).values()].flat());
    fc.pre(changed.join() !== whole.join());
    const before = await verify(whole, checkpoints);
    expect([before.code, before.stdout]).toEqual([0, ""]);
    const after = await verify(changed, checkpoints);
    expect([after.code, after.stdout], JSON.stringify(done)).toEqual([1, expect.stringMatching(/\S/)]);
  };
  await fc.assert(fc.asyncProperty(lengths, fc.nat(2), change, found), {
    numRuns: Number(process.env.AUDIT_MUTATIONS ?? 300),
  });
  expect(files).toBeGreaterThan(100);
}, 120_000);

test("what one node has signed since the others did only its own file tells", async () => {
  const [first, second] = [join(root, "log-1"), join(root, "marks-1")];
  const before: Chains = new Map([
    ["node-a", chained("node-a", [record("w1", 1), record("w2", 2)])],
    ["node-b", chained("node-b", [record("w1", 1)])],
  ]);
  const after: Chains = new Map([
    ...before,
    ["node-b", chained("node-b", [record("w1", 1), record("w2", 9)])],
  ]);
  writeFileSync(
    first,
    linesOf([...before.values()].flat())
      .map((line) => `${line}\n`)
      .join(""),
  );
  const by = async (checkpoints: string) => {
    writeFileSync(second, checkpoints);
    return (await taskrun(["audit", "verify", first, "--checkpoints", second])).stdout;
  };
  expect(await by(checkpointsOf("node-a", before))).toBe("");
  expect(await by(checkpointsOf("node-b", after))).toContain("node-b 2: entry 2 is missing");
});

test("checkpoints as a collector of syslog has written them are taken as they are, and what is behind them counts", async () => {
  const [log, marks] = [join(root, "log-2"), join(root, "marks-2")];
  const chains: Chains = new Map([["node-a", chained("node-a", [record("w1", 1), record("w2", 2)])]]);
  const lines = linesOf([...chains.values()].flat());
  const heads = [
    "Nov 29 12:00:00 plane taskrun[7]: ",
    "2026-11-29T12:00:00.007Z plane taskrun 42 audit.checkpoint - ",
  ];
  const collected = checkpointsOf("node-a", chains)
    .trimEnd()
    .split("\n")
    .map((line, i) => `${heads[i]}${line}\n`);
  const by = async (kept: readonly string[], checkpoints: readonly string[]) => {
    writeFileSync(log, kept.map((line) => `${line}\n`).join(""));
    writeFileSync(marks, checkpoints.join(""));
    return taskrun(["audit", "verify", log, "--checkpoints", marks]);
  };
  expect((await by(lines, collected)).code).toBe(0);
  expect((await by(lines.slice(0, 1), collected)).stdout).toContain("node-a 2: entry 2 is missing");
  const foreign = `${heads[0]}audit checkpoint, or so\n`;
  const changed = (collected[1] ?? "").replace('"seq":2', '"seq":1');
  for (const wrong of [foreign, changed]) {
    expect((await by(lines, [...collected, wrong])).stdout).toContain("is none: it was changed");
  }
});
