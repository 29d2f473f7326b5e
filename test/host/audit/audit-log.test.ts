import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { auditRecord } from "#domain/audit/record";
import { instant, millis } from "#domain/time/time";
import { openAuditKey, readCheckpoint } from "#host/audit/signature";
import { limits } from "#limits/index";
import { MemoryAudit } from "#stores/memory/audit";
import { startAudit, verified } from "./kit.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function start(...args: Parameters<typeof startAudit>) {
  const store = new MemoryAudit();
  const started = await startAudit({ store, ...args[0] }, args[1]);
  open.push(started);
  return { store, ...started };
}

test("refusals of one caller and action in one minute are one entry, which says how many and since when", async () => {
  const { log, store, pass } = await start();
  for (let i = 0; i < 10_000; i++)
    log.refused({ actor: "key:a", action: "task.cancel", object: `task ${i}` });
  log.refused({ actor: "key:b", action: "task.cancel", object: "task x", detail: "FOREIGN_NAMESPACE" });
  log.refused({ actor: "key:a", action: "call", object: "S/One" });
  log.refused({ actor: "key:a", action: "call", object: "S/Two" });
  expect(await store.entries(undefined, 10)).toEqual([]);
  await pass(limits.auditRefusalsEvery);
  log.refused({ actor: "key:a", action: "task.cancel", object: "task 0" });
  await log.flush();

  const entries = await store.entries(undefined, 10);
  expect(entries.map(({ actor, action, object, count }) => `${actor} ${action} ${object} ${count}`)).toEqual([
    "key:a task.cancel task 9999 10000",
    "key:b task.cancel task x 1",
    "key:a call S/One 1",
    "key:a call S/Two 1",
    "key:a task.cancel task 0 1",
  ]);
  expect(entries[0]).toMatchObject({ since: 1_000_000, at: 1_000_000, result: "refused" });
});

test("a flood under many names leaves a bounded number of entries, and none of it is lost from the count", async () => {
  const { log, store } = await start();
  for (let i = 0; i < 5_000; i++) log.refused({ actor: `key:${i}`, action: "key.use", object: "a key" });
  await log.flush();
  const entries = await store.entries(undefined, 10_000);
  expect(entries.length).toBe(limits.auditRefusals + 1);
  expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  expect(entries.at(-1)?.actor).toBe("others");
});

test("a checkpoint is signed a minute after an entry, none while nothing happens, and sooner after many", async () => {
  const { log, clock, pass, lines, folder, path, logged } = await start();
  log.start();
  await pass(limits.auditCheckpointEvery * 10);
  expect(lines()).toEqual([]);
  await log.record({ actor: "key:a", action: "worker.revoke", object: "worker w1" });
  await pass(limits.auditCheckpointEvery - 1);
  expect(lines()).toEqual([]);
  await pass(1);
  const [checkpoint] = lines().map(readCheckpoint);
  expect(checkpoint).toMatchObject({ kind: "checkpoint", chain: "server", seq: 1, at: clock.now() });
  expect(checkpoint?.key).toBe((await openAuditKey(folder)).name);
  expect(logged).toContain("info: audit checkpoint");
  log.committed(limits.auditCheckpointEntries);
  await pass(0);
  expect(lines().length).toBe(2);
  expect(statSync(join(folder, "audit.key")).mode & 0o777).toBe(0o600);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a checkpoint names the ends of all chains, so that none of them vanishes unseen", async () => {
  const { log, store, pass, lines } = await start();
  const record = auditRecord({ at: instant(1), actor: "key:b", action: "worker.drain", object: "worker w" });
  await store.append("x", { chain: "node-2", records: [record, record] });
  await log.record({ actor: "key:a", action: "key.create", object: "key k" });
  await pass(limits.auditCheckpointEvery);
  expect(await verified(store, lines())).toEqual([]);
  await store.remove({ chain: "node-2", seq: 2 }, 10);
  expect(await verified(store, lines())).toEqual([
    "node-2 1 is missing, and so on to 2: a checkpoint of 1060000 has it",
  ]);
});

test("what is too old or too much is removed, the end of the own chain stays, and what is left verifies from its first entry", async () => {
  const { log, store, pass, lines } = await start({ retention: { age: millis(1_000), entries: 3 } });
  await store.append("x", {
    chain: "node-gone",
    records: [auditRecord({ at: instant(1), actor: "a", action: "worker.drain", object: "worker w" })],
  });
  for (let i = 1; i <= 5; i++) await log.record({ actor: "key:a", action: "key.create", object: `key ${i}` });
  await pass(limits.auditCheckpointEvery);
  // What was too many went; the rest is too old by now, but for the end, which the next entry follows.
  expect((await store.entries(undefined, 10)).map(({ chain, seq }) => `${chain} ${seq}`)).toEqual([
    "server 5",
  ]);
  await pass(limits.auditSweepEvery);
  await log.record({ actor: "key:a", action: "key.create", object: "key 6" });
  await pass(limits.auditCheckpointEvery);
  expect((await store.entries(undefined, 10)).map(({ seq }) => seq)).toEqual([6]);
  expect(await verified(store, lines())).toEqual([]);
});

test("entries that were removed without a signed word are missed", async () => {
  const { log, store, pass, lines } = await start();
  for (let i = 1; i <= 3; i++) await log.record({ actor: "key:a", action: "key.create", object: `key ${i}` });
  await pass(limits.auditCheckpointEvery);
  await store.remove({ chain: "server", seq: 2 }, 10);
  expect(await verified(store, lines())).toEqual([
    "server 1 is missing, and so on to 2: nothing signed says that it was removed",
  ]);
});

test("a log that is not what its last checkpoint says is told of when the server starts", async () => {
  const first = await start();
  await first.log.record({ actor: "key:a", action: "key.create", object: "key 1" });
  await first.log.stop();

  const same = await startAudit({ store: first.store }, first.folder);
  same.log.start();
  await same.pass(0);
  expect(same.logged.filter((line) => line.startsWith("error"))).toEqual([]);

  const other = await startAudit({ store: new MemoryAudit() }, first.folder);
  other.log.start();
  await other.pass(0);
  expect(other.logged).toContain(
    "error: the audit log is not what its last checkpoint says: run taskrun audit verify",
  );
});

test("a store that is away costs the refusals of a minute, and says so; nobody who is refused notices", async () => {
  class Away extends MemoryAudit {
    override append = () => Promise.reject(new Error("away"));
  }
  const { log, logged, pass } = await start({ store: new Away() });
  log.refused({ actor: "key:a", action: "call", object: "S/One" });
  await pass(limits.auditRefusalsEvery);
  expect(logged).toEqual(["error: refusals could not be written to the audit log"]);
  await expect(log.record({ actor: "a", action: "ca.change", object: "ca" })).rejects.toThrow("away");
});

test("a key that others can read, or that is none, is refused", async () => {
  const { folder } = await start();
  const { chmodSync, writeFileSync } = await import("node:fs");
  chmodSync(join(folder, "audit.key"), 0o644);
  await expect(openAuditKey(folder)).rejects.toMatchObject({ code: "denied" });
  chmodSync(join(folder, "audit.key"), 0o600);
  writeFileSync(join(folder, "audit.key"), "none");
  await expect(openAuditKey(folder)).rejects.toMatchObject({ reason: "AUDIT_KEY_UNREADABLE" });
});
