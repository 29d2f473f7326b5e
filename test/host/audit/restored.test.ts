/** That a store was restored is in the audit log of its new life, once, whoever starts on it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { AuditEntry } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import { startTaskRun } from "#embedded/index";
import { recordRestoration } from "#host/audit/restored";
import { limits } from "#limits/index";
import { backup } from "#stores/sqlite/backup/backup";
import { restore } from "#stores/sqlite/backup/restore";

const root = mkdtempSync(join(tmpdir(), "taskrun-audit-restored-"));
afterAll(() => rmSync(root, { recursive: true }));

/** What an embedded plane over the folder has of restorations in its log. */
async function restorationsIn(data: string): Promise<string[]> {
  const taskrun = await startTaskRun({ data, log: "silent" });
  try {
    await taskrun.client.tasks.create({ agent: "nobody" });
    const found: string[] = [];
    for await (const { action, actor, object } of taskrun.client.audit.list()) {
      if (action === "store.restored") found.push(`${actor} ${object}`);
    }
    return found;
  } finally {
    await taskrun.stop();
  }
}

test("the first start of a life says that it began with a backup, and no later one says so again", async () => {
  const first = join(root, "first");
  expect(await restorationsIn(first)).toEqual([]);
  const file = join(root, "b.backup");
  await backup({ path: join(first, "taskrun.db"), to: file, now: Date.now() });
  const second = join(root, "second");
  const path = join(second, "taskrun.db");
  const { incarnation } = await restore({ from: file, path, replace: false });
  for (let start = 0; start < 2; start++) {
    expect(await restorationsIn(second)).toEqual([`local incarnation ${incarnation}`]);
  }

  const again = await restore({ from: file, path, replace: true });
  expect(await restorationsIn(second)).toEqual([`local incarnation ${again.incarnation}`]);
});

test("what lies far back in a long life is looked for in bounded pages, and not said again", async () => {
  const said: unknown[] = [];
  const trail = { record: async (each: unknown) => void said.push(each) };
  let pages = 0;
  const at = (ms: number) => ({
    latest: async () => {
      pages += 1;
      const entry = { action: "call", object: "x", at: instant(ms) } as AuditEntry;
      return Array<AuditEntry>(limits.auditPage).fill(entry);
    },
  });
  const restored = { id: "abc", since: instant(1_000) };
  await recordRestoration(trail, at(5_000), restored);
  expect([said.length, pages <= 25]).toEqual([0, true]);
  await recordRestoration(trail, at(999), restored);
  expect(said).toMatchObject([{ action: "store.restored", object: "incarnation abc", actor: "local" }]);
  await recordRestoration(trail, at(999), undefined);
  await recordRestoration(undefined, at(999), restored);
  expect(said).toHaveLength(1);
});
