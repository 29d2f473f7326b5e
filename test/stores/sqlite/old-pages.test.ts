import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repair } from "#stores/sqlite/damage/repair";
import { verify } from "#stores/sqlite/damage/verify";
import { openDriver } from "#stores/sqlite/driver";
import { commit, ended, run, runId, step, task, taskId } from "#testing/rows";
import { everything, fill, opened } from "./damage-kit.js";

/*
 * What a disk answers that has lost a write: bytes that were once right, so that every checksum in them is. And what a
 * person puts back: a file of another day.
 */

const root = mkdtempSync(join(tmpdir(), "taskrun-old-pages-"));
const [earlier, later] = [join(root, "earlier"), join(root, "later")];
const PAGE = 4_096;
let intact = "";
let copies = 0;
afterAll(() => rmSync(root, { recursive: true }));

/** The same directory twice, nobody having it open; in between a Task has ended, and a Step was tried, which is in no index. */
beforeAll(async () => {
  const live = join(root, "live");
  await (await fill(live)).close();
  cpSync(live, earlier, { recursive: true });
  const store = opened(live);
  await store.boot();
  const row = task(taskId(1), { counts: { enqueued: 2 } });
  const tried = step(taskId(2), { name: "b", rank: 2, revision: 2, attempts: 1 });
  await store.commit(
    commit({
      tasks: [ended(row, 70)],
      steps: [tried],
      runs: [run(runId(1), row.id, { stepName: "a", revision: 2, status: "COMPLETED", heldBy: "" })],
    }),
  );
  await store.close();
  cpSync(live, later, { recursive: true });
  const again = opened(live);
  intact = await everything(again);
  await again.close();
});

function copied(harm: (folder: string) => void): string {
  const folder = join(root, `${++copies}`);
  cpSync(later, folder, { recursive: true });
  harm(folder);
  return folder;
}

const database = (folder: string) => join(folder, "taskrun.db");

async function said(folder: string): Promise<string[]> {
  const lines = [];
  for await (const line of repair({ path: database(folder) })) lines.push(line);
  return lines;
}

/** For each page that differs between the two: a directory where only that page is the earlier one. */
function foldersWithOnePageOfBefore(): { page: number; folder: string }[] {
  const [before, after] = [readFileSync(database(earlier)), readFileSync(database(later))];
  const places = Array.from({ length: before.length / PAGE }, (_, page) => page * PAGE);
  const changed = places.filter(
    (at) => !before.subarray(at, at + PAGE).equals(after.subarray(at, at + PAGE)),
  );
  expect(changed.length).toBeGreaterThan(2);
  return changed.map((at) => {
    const bytes = Buffer.from(after);
    before.copy(bytes, at, at, at + PAGE);
    return { page: at / PAGE + 1, folder: copied((folder) => writeFileSync(database(folder), bytes)) };
  });
}

test("a page that was put back as it once was is refused, whatever is in it", async () => {
  for (const { page, folder } of foldersWithOnePageOfBefore()) {
    await expect(opened(folder).boot(), `page ${page}`).rejects.toMatchObject({
      reason: expect.stringMatching(/^STORE_(DAMAGED|BEHIND)$/),
    });
  }
});

test("a file of an earlier day beside a newer head is behind it", async () => {
  const folder = copied((folder) => cpSync(database(earlier), database(folder)));
  await expect(opened(folder).boot()).rejects.toMatchObject({ reason: "STORE_BEHIND" });
});

test("the file of another store is refused", async () => {
  const other = join(root, "other");
  await (await fill(other)).close();
  const folder = copied((folder) => cpSync(database(other), database(folder)));
  await expect(opened(folder).boot()).rejects.toThrow(/has lost commits|is not the file that/);
});

test("a file whose checksums are missing or cut is refused, and repair takes them anew", async () => {
  for (const bytes of [0, 4_096, 4_100]) {
    const folder = copied((folder) => truncateSync(`${database(folder)}.sums`, bytes));
    if (bytes === 0) rmSync(`${database(folder)}.sums`);
    await expect(opened(folder).boot()).rejects.toMatchObject({
      reason: "STORE_DAMAGED",
      message: expect.stringMatching(/\.sums is missing, or was cut: .* nobody knows .*--repair/),
    });
    expect((await said(folder)).at(-1)).toMatch(/goes on from commit \d+$/);
    const store = opened(folder);
    expect(await everything(store)).toBe(intact);
    await store.close();
  }
});

test("a change of another program is not served because the checksums are gone too", async () => {
  const folder = copied((folder) => rmSync(`${database(folder)}.sums`));
  const db = openDriver(database(folder));
  db.exec("DELETE FROM outputs; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  await expect(opened(folder).boot()).rejects.toMatchObject({ reason: "STORE_DAMAGED" });
});

test("repair goes on from a page of another time, and verify is content with what it leaves", async () => {
  for (const { folder } of foldersWithOnePageOfBefore()) {
    expect((await said(folder)).at(-1)).toMatch(/goes on from commit \d+$/);
    const findings = [];
    for await (const finding of verify({ path: database(folder) })) findings.push(finding);
    expect(findings).toEqual([]);
    const store = opened(folder);
    await store.boot();
    await store.close();
  }
});
