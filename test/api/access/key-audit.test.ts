import { expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { openAccess } from "#api/access/open-access";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { instant, later, millis } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import type { AuditTrail, Refusal } from "#ports/audit";
import { memoryStore } from "#stores/memory/index";
import { sharedMemory } from "#stores/memory/shared";

/** Hears what the audit log would be told. */
function heardBy(chain: string) {
  const heard = { refused: [] as Refusal[], committed: 0 };
  const trail: AuditTrail = {
    chain,
    refused: (refusal) => heard.refused.push(refusal),
    record: async () => {},
    committed: (records) => {
      heard.committed += records;
    },
  };
  return { heard, trail };
}

test("what happens to a key is in the log in the same transaction, and a credential that is refused is counted", async () => {
  const { credentials, audit } = memoryStore();
  if (!credentials || !audit) throw new Error("the memory store keeps both");
  const { heard, trail } = heardBy("server");
  let now = instant(1_000);
  const keys = new KeyRing({ store: credentials, now: () => now, audit: trail });
  const made = await keys.make(LOCAL_CALLER, {
    name: "ci",
    role: "viewer",
    namespaces: ["n"],
    ttl: millis(9_000),
  });
  const other = await keys.rotate(LOCAL_CALLER, made.row.id, millis(1_000));
  await keys.revoke(LOCAL_CALLER, other.row.id);
  await keys.revoke(LOCAL_CALLER, other.row.id);

  const entries = await audit.entries(undefined, 10);
  expect(
    entries.map(({ actor, action, object, detail }) => `${actor} ${action} ${object}: ${detail}`),
  ).toEqual([
    `local key.create key ${made.row.id}: viewer of n, named ci`,
    `local key.rotate key ${other.row.id}: viewer of n, named ci, in the place of ${made.row.id}`,
    `local key.revoke key ${other.row.id}: viewer of n, named ci`,
  ]);
  expect(heard.committed).toBe(3);
  expect(JSON.stringify(entries)).not.toContain(made.text);
  expect(JSON.stringify(entries)).not.toContain(made.row.hash);

  keys.callerOf(made.text);
  now = instant(5_000);
  for (const text of ["nonsense", other.text, made.text]) expect(() => keys.callerOf(text)).toThrow();
  expect(heard.refused).toEqual([
    { actor: "anonymous", action: "key.use", object: "an unknown key", detail: "CREDENTIAL_INVALID" },
    { actor: "anonymous", action: "key.use", object: `key ${other.row.id}`, detail: "CREDENTIAL_REVOKED" },
    { actor: "anonymous", action: "key.use", object: `key ${made.row.id}`, detail: "CREDENTIAL_EXPIRED" },
  ]);
});

test("each of several servers tells of its keys in its own chain, the first key and a rotation with one entry each", async () => {
  let now = instant(1_000_000);
  const memory = sharedMemory(() => now);
  const serverOf = async (chain: string) => {
    const { heard, trail } = heardBy(chain);
    const access = await openAccess({
      ...{ store: memory.open(), log: silentTelemetry().log, retention: limits.keyRetention, audit: trail },
      clock: { now: () => now, wakeAt: () => () => {} },
      wakes: { publish: () => {}, hear: () => {} },
      first: async () => {},
    });
    return { ...access, heard };
  };
  const [a, b] = [await serverOf("a"), await serverOf("b")];
  const { row } = await a.keys.make(LOCAL_CALLER, {
    name: "ci",
    role: "viewer",
    namespaces: ["n"],
    ttl: millis(9_000),
  });
  await b.keys.refresh();
  const next = await b.keys.rotate(LOCAL_CALLER, row.id, millis(1_000));
  // It does not know of it yet: what comes to nothing is not told of.
  await expect(a.keys.revoke(LOCAL_CALLER, row.id)).rejects.toMatchObject({ reason: "KEY_CHANGED" });
  await a.keys.revoke(LOCAL_CALLER, row.id);

  const entries = (await memory.open().audit?.entries(undefined, 10)) ?? [];
  expect(entries.map(({ chain, seq, action, object }) => `${chain} ${seq} ${action} ${object}`)).toEqual([
    expect.stringContaining("a 1 key.create"),
    `a 2 key.create key ${row.id}`,
    `a 3 key.revoke key ${row.id}`,
    `b 1 key.rotate key ${next.row.id}`,
  ]);
  expect([a.heard.committed, b.heard.committed]).toEqual([3, 1]);

  // Nobody is refused for what he shows while a server cannot know what counts.
  now = later(now, millis(limits.keysTrusted));
  expect(() => b.keys.callerOf(next.text)).toThrow("has not heard from its store");
  expect(b.heard.refused).toEqual([]);
});

test("a token for one Task that is refused is noted, and one that counts is not", async () => {
  let now = instant(1_000_000);
  const { heard, trail } = heardBy("server");
  const { keys, watchTokens } = await openAccess({
    ...{ store: memoryStore(), log: silentTelemetry().log, retention: limits.keyRetention, audit: trail },
    clock: { now: () => now, wakeAt: () => () => {} },
    wakes: { publish: () => {}, hear: () => {} },
    first: async () => {},
  });
  const terms = { name: "v", role: "viewer", namespaces: ["n"], ttl: millis(900_000) } as const;
  const { row, text } = await keys.make(LOCAL_CALLER, terms);
  const caller = keys.callerOf(text);
  const tokenOf = (id: string) => watchTokens.make(caller, id as TaskId, "n").token;
  const token = tokenOf("mine");
  expect(watchTokens.callerOf(token, "mine")).toMatchObject({ roles: ["viewer"] });
  expect(heard.refused).toEqual([]);

  expect(() => watchTokens.callerOf(token, "other")).toThrow();
  now = later(now, limits.watchTokenLife);
  expect(() => watchTokens.callerOf(token, "mine")).toThrow();
  const another = tokenOf("mine");
  await keys.revoke(LOCAL_CALLER, row.id);
  expect(() => watchTokens.callerOf(another, "mine")).toThrow();
  const noted = { actor: "anonymous", action: "key.use" };
  expect(heard.refused).toEqual([
    { ...noted, object: "watch token of task other", detail: "CREDENTIAL_INVALID" },
    { ...noted, object: "watch token of task mine", detail: "CREDENTIAL_EXPIRED" },
    { ...noted, object: "watch token of task mine", detail: "CREDENTIAL_REVOKED" },
  ]);
  // Nor is the token written down.
  expect(JSON.stringify(heard.refused)).not.toContain(another);
});
