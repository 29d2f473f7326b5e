import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { makeKey, readKey, sumOf } from "#api/access/key-text";
import { openKeyRing } from "#api/access/open-key-ring";
import { RoleTable } from "#domain/access/roles";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { type Instant, instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { sqliteStore } from "#stores/sqlite/index";

const DAY = millis(86_400_000);
const terms = { name: "ci", role: "operator", namespaces: ["a"], ttl: DAY } as const;

function ringOver(store: Store, clock: { now: Instant }): KeyRing {
  if (!store.credentials) throw new Error("it keeps keys");
  return new KeyRing({ store: store.credentials, now: () => clock.now });
}

const clock = () => ({ now: instant(1_000_000) });

test("a key is found by its text alone, of which the store has a hash", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskrun-keys-"));
  const path = join(folder, "taskrun.db");
  const store = sqliteStore({ path });
  await store.boot();
  const time = clock();
  const { text, row } = await ringOver(store, time).make(LOCAL_CALLER, terms);
  expect(text).toMatch(/^tr_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
  await store.close();
  const bytes = readFileSync(path);
  expect(bytes.includes(row.id)).toBe(true);
  expect(bytes.includes(text.split("_")[2] ?? "")).toBe(false);

  const again = sqliteStore({ path });
  await again.boot();
  const ring = ringOver(again, time);
  await ring.load();
  expect(ring.callerOf(text)).toEqual({
    ...{ principal: `key:${row.id}`, credential: `key:${row.id}` },
    ...{ namespaces: ["a"], roles: ["operator"] },
  });
  await again.close();
});

test("a key that was cut off, changed or made up is known without the store", () => {
  const { text, id } = makeKey();
  expect(readKey(text)?.id).toBe(id);
  for (const wrong of [
    text.slice(0, -1),
    text.replace(id, id.split("").reverse().join("")),
    `${text} `,
    "",
    "tr__",
  ]) {
    expect(readKey(wrong)).toBeUndefined();
  }
});

test("an unknown key and a wrong secret are refused in the same words; one that has ended says so", async () => {
  const time = clock();
  const ring = ringOver(memoryStore(), time);
  const { text, row } = await ring.make(LOCAL_CALLER, terms);
  const refusal = (key: string) => {
    try {
      ring.callerOf(key);
    } catch (error) {
      return { message: (error as Error).message, ...(error as object) };
    }
    throw new Error("it was let in");
  };
  // The sum is right, and the secret is another key's.
  const forged = withSecret(row.id, makeKey().text);
  expect(refusal(forged)).toEqual(refusal("nonsense"));

  time.now = instant(row.expiresAt - 1);
  expect(ring.callerOf(text).roles).toEqual(["operator"]);
  time.now = row.expiresAt;
  expect(refusal(text)).toMatchObject({ code: "unauthenticated", details: { reason: "CREDENTIAL_EXPIRED" } });
});

/** The text of a key with this id, and the secret of another one. */
function withSecret(id: string, other: string): string {
  const body = `tr_${id}_${other.split("_")[2]}`;
  return `${body}_${sumOf(body)}`;
}

test("a key cannot make one that may do more than itself", async () => {
  const ring = ringOver(memoryStore(), clock());
  const caller = (roles: string[], namespaces: Caller["namespaces"]): Caller => ({
    principal: "key:x",
    namespaces,
    roles,
  });
  const make = (by: Caller, role: "viewer" | "operator" | "admin", namespaces: readonly string[] | "*") =>
    ring.make(by, { ...terms, role, namespaces });
  await expect(make(caller(["operator"], "*"), "admin", "*")).rejects.toMatchObject({
    code: "denied",
    details: { field: "role" },
  });
  await expect(make(caller(["admin"], ["a"]), "viewer", "*")).rejects.toMatchObject({
    details: { field: "namespaces" },
  });
  await expect(make(caller(["admin"], ["a"]), "viewer", ["a", "b"])).rejects.toMatchObject({
    details: { field: "namespaces" },
  });
  expect((await make(caller(["admin"], ["a"]), "admin", ["a"])).row.createdBy).toBe("key:x");
});

test("keys of other namespaces are not seen, rotated or revoked: they are as unknown ones", async () => {
  const ring = ringOver(memoryStore(), clock());
  const foreign = await ring.make(LOCAL_CALLER, { ...terms, namespaces: ["b"] });
  const own: Caller = { principal: "key:x", namespaces: ["a"], roles: ["admin"] };
  expect(await ring.visibleTo(own)).toEqual([]);
  const refused = async (id: string) =>
    (await ring.revoke(own, id).catch((error: Error) => error.message)) as string;
  expect((await refused(foreign.row.id)).replace(foreign.row.id, "ID")).toBe(
    (await refused("unknown")).replace("unknown", "ID"),
  );
  await expect(ring.rotate(own, foreign.row.id, DAY)).rejects.toMatchObject({ code: "not_found" });
  expect((await ring.visibleTo(LOCAL_CALLER)).map(({ id }) => id)).toEqual([foreign.row.id]);
});

test("a key that is rotated can be used for the overlap, and the new one for as long as the old one could", async () => {
  const time = clock();
  const ring = ringOver(memoryStore(), time);
  const old = await ring.make(LOCAL_CALLER, terms);
  const made = await ring.rotate(LOCAL_CALLER, old.row.id, millis(1_000));
  expect(ring.callerOf(old.text).roles).toEqual(["operator"]);
  expect(made.row).toMatchObject({
    name: "ci",
    role: "operator",
    namespaces: ["a"],
    expiresAt: time.now + DAY,
  });
  time.now = instant(time.now + 1_000);
  expect(() => ring.callerOf(old.text)).toThrow("has expired");
  // Who had the old one is the same caller with the new one.
  expect(ring.callerOf(made.text).principal).toBe(`key:${old.row.id}`);
  await expect(ring.rotate(LOCAL_CALLER, old.row.id, DAY)).rejects.toMatchObject({ code: "wrong_state" });
});

test("a key that is revoked is refused at once, and stays in the list", async () => {
  const ring = ringOver(memoryStore(), clock());
  const { text, row } = await ring.make(LOCAL_CALLER, terms);
  await ring.revoke(LOCAL_CALLER, row.id);
  const again = await ring.revoke(LOCAL_CALLER, row.id);
  expect(() => ring.callerOf(text)).toThrow("was revoked");
  expect(await ring.visibleTo(LOCAL_CALLER)).toEqual([again]);
});

test("the last use is written at most once a minute", async () => {
  const time = clock();
  const store = memoryStore();
  const ring = ringOver(store, time);
  const { text } = await ring.make(LOCAL_CALLER, terms);
  const used = async () => (await store.credentials?.keys())?.[0];
  for (let n = 0; n < 10; n++) ring.callerOf(text);
  await ring.noteUses();
  const first = time.now;
  expect(await used()).toMatchObject({ lastUsedAt: first, revision: 1 });
  time.now = instant(time.now + limits.keyUseNoted - 1);
  ring.callerOf(text);
  await ring.noteUses();
  expect(await used()).toMatchObject({ lastUsedAt: first });
  time.now = instant(time.now + 1);
  ring.callerOf(text);
  await ring.noteUses();
  expect(await used()).toMatchObject({ lastUsedAt: time.now, revision: 1 });
});

test("the first key is written down before it counts: a crash in between leaves none that nobody has", async () => {
  const { credentials } = memoryStore();
  const time = clock();
  const texts: string[] = [];
  const failing = openKeyRing({
    credentials,
    now: () => time.now,
    first: async () => {
      throw new Error("the disk is full");
    },
  });
  await expect(failing).rejects.toThrow("the disk is full");
  expect(await credentials?.keys()).toEqual([]);

  const first = async (text: string) => void texts.push(text);
  const ring = await openKeyRing({ credentials, now: () => time.now, first });
  await openKeyRing({ credentials, now: () => time.now, first });
  expect(texts).toHaveLength(1);
  expect(ring.callerOf(texts[0] ?? "")).toMatchObject({ namespaces: "*", roles: ["admin"] });
  await expect(openKeyRing({ credentials: undefined, now: () => time.now, first })).rejects.toMatchObject({
    details: { reason: "AUTH_UNSUPPORTED" },
  });
});

test("a key may have a role of the configuration, within what its maker may do; one that is gone makes none", async () => {
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("it keeps keys");
  const roles = new RoleTable(new Map([["auditor", ["tasks:read", "tasks:list"]]]));
  const ring = new KeyRing({ store: credentials, now: () => instant(1_000_000), roles });
  const auditor = { ...terms, role: "auditor" };
  const by = (role: string): Caller => ({ principal: "key:x", namespaces: "*", roles: [role] });
  const made = await ring.make(by("viewer"), auditor);
  await expect(ring.make(by("auditor"), terms)).rejects.toMatchObject({
    details: { reason: "BEYOND_YOURS" },
  });
  await expect(ring.make(by("worker"), auditor)).rejects.toMatchObject({
    details: { reason: "BEYOND_YOURS" },
  });
  await expect(ring.make(LOCAL_CALLER, { ...terms, role: "audito" })).rejects.toMatchObject({
    code: "invalid",
    details: { field: "role" },
    message: 'role is "audito"; it is one of viewer, operator, admin, worker, auditor.',
  });

  const lines: unknown[] = [];
  const note = (_: string, fields?: object) => void lines.push(fields);
  const quiet = () => undefined;
  const log = { debug: quiet, info: quiet, warn: note, error: quiet };
  const first = async () => undefined;
  const later = await openKeyRing({ credentials, now: () => instant(1_000_000), log, first });
  expect(lines).toEqual([{ id: made.row.id, role: "auditor", name: "ci" }]);
  await expect(later.rotate(LOCAL_CALLER, made.row.id, DAY)).rejects.toThrow(
    'role is "auditor"; it is one of',
  );
  expect(await later.revoke(LOCAL_CALLER, made.row.id)).toMatchObject({ revokedAt: 1_000_000 });
});
