import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { instant } from "#domain/time/time";
import { repair } from "#stores/sqlite/damage/repair";
import { verify } from "#stores/sqlite/damage/verify";
import { openDriver } from "#stores/sqlite/driver";
import { createHeadFile, readHeadFile } from "#stores/sqlite/file/head";
import { plane } from "#stores/sqlite/rows/rows";
import { commit, line, taskId } from "#testing/rows";
import { copyOf, everything, fill, opened } from "./damage-kit.js";

/** What another program commits through SQLite, and leaves in the write-ahead log. */

const root = mkdtempSync(join(tmpdir(), "taskrun-foreign-"));
const sound = join(root, "sound");
/** A second is promised; a loaded machine gets more. */
const SOON_MS = 4_000;
let intact = "";
let copies = 0;
const database = (folder: string) => join(folder, "taskrun.db");

beforeAll(async () => {
  const left = join(root, "left");
  const store = await fill(left);
  copyOf(left, sound);
  await store.close();
  intact = await answers(sound);
});
afterAll(() => rmSync(root, { recursive: true }));

/** The directory as it is once another program has run some SQL in it and was killed. */
function afterForeign(sql: string, from = sound): string {
  const folder = join(root, `${++copies}`);
  const work = `${folder}-work`;
  copyOf(from, work);
  const db = openDriver(database(work));
  db.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = OFF; ${sql}`);
  copyOf(work, folder);
  db.close();
  return folder;
}

/** All that can be read of a copy of the directory. */
async function answers(folder: string): Promise<string> {
  const copy = join(root, `${++copies}`);
  copyOf(folder, copy);
  const store = opened(copy);
  const text = await everything(store);
  await store.close();
  return text;
}

async function findings(folder: string): Promise<string[]> {
  const found = [];
  for await (const { what } of verify({ path: database(folder) })) found.push(what);
  return found;
}

async function said(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const text of repair({ path: database(folder) })) lines.push(text);
  return lines;
}

const harms = [
  "DELETE FROM outputs WHERE task_id = 'task-0006'",
  "DELETE FROM deadlines",
  "DELETE FROM log; DELETE FROM outputs",
  "DELETE FROM plane WHERE id = 9; DELETE FROM templates",
  "CREATE TABLE mine (x); DROP TABLE mine",
  "VACUUM",
  "BEGIN; CREATE TEMP TABLE was AS SELECT * FROM plane; DELETE FROM plane; INSERT INTO plane SELECT * FROM was; DELETE FROM outputs; COMMIT",
];

test("a commit of another program that lies in the log is refused, named by verify, and taken out by repair", async () => {
  for (const sql of harms) {
    const folder = afterForeign(sql);
    const what = expect.stringMatching(
      /another program has written to .*taskrun\.db: its log holds a change behind commit 81 that is none of this server's/,
    );
    expect([sql, await findings(folder)]).toEqual([sql, expect.arrayContaining([what])]);
    await expect(opened(folder).boot(), sql).rejects.toMatchObject({
      reason: "STORE_DAMAGED",
      message: expect.stringMatching(/none of this server's.*--repair/),
    });
    const before = readFileSync(`${database(folder)}-wal`);
    const lines = await said(folder);
    expect(lines.join("\n")).toMatch(/behind commit 81.*\n.*taken out.*taskrun\.db\.damaged-wal/);
    expect(readFileSync(`${database(folder)}.damaged-wal`).equals(before)).toBe(true);
    expect([sql, await findings(folder)]).toEqual([sql, []]);
    expect([sql, (await answers(folder)) === intact]).toEqual([sql, true]);
  }
});

test("a log that begins with a change of another program is refused as well", async () => {
  const settled = join(root, "settled");
  copyOf(sound, settled);
  const store = opened(settled);
  await store.boot();
  await store.close();
  const folder = afterForeign(harms[0] as string, settled);
  await expect(opened(folder).boot()).rejects.toThrow(/its log holds a change at its beginning/);
  await said(folder);
  expect((await answers(folder)) === intact).toBe(true);
});

test("what another program commits under a running server stops it within a second, and is taken out by repair", async () => {
  const folder = join(root, `${++copies}`);
  copyOf(sound, folder);
  const store = opened(folder);
  await store.boot();
  const other = openDriver(database(folder));
  other.exec("PRAGMA wal_autocheckpoint = 0; DELETE FROM outputs");
  expect(await Promise.race([store.failed, pause(SOON_MS)])).toMatchObject({
    reason: "STORE_DAMAGED",
    message: expect.stringContaining("another program has written to"),
  });
  const copy = join(root, `${++copies}`);
  copyOf(folder, copy);
  other.close();
  await store.close();
  await said(copy);
  expect((await answers(copy)) === intact).toBe(true);
});

test("a change of another program between commits of a server stays, and repair says so", async () => {
  // The server's connection sees no difference: the change is in the log before it opens.
  const folder = afterForeign(harms[0] as string);
  const path = database(folder);
  const db = openDriver(path);
  db.exec("PRAGMA wal_autocheckpoint = 0");
  const { commits, digest, store } = readHeadFile(`${path}.head`) as NonNullable<
    ReturnType<typeof readHeadFile>
  >;
  const next = plane.seal([1, store, 60, commits + 1, digest]);
  db.prepare("UPDATE plane SET id = ?, store = ?, at = ?, commits = ?, digest = ?, sum = ?").run(next);
  const copy = join(root, `${++copies}`);
  copyOf(folder, copy);
  createHeadFile(`${database(copy)}.head`, { store, digest, commits: commits + 1 });
  db.close();
  await expect(opened(copy).boot()).rejects.toMatchObject({ reason: "STORE_DAMAGED" });
  expect((await said(copy)).join("\n")).toMatch(/it cannot be told from them, and stays/);
  expect(await findings(copy)).toEqual([]);
});

test("what a power cut has left behind a lost commit is not taken for one, now or later", async () => {
  const folder = join(root, `${++copies}`);
  copyOf(sound, folder);
  const wal = `${database(folder)}-wal`;
  const frame = 4_096 + 24;
  const bytes = readFileSync(wal);
  // The last commit stays; the one before it is lost, and the head beside the file knows neither.
  const ends = Array.from({ length: (bytes.length - 32) / frame }, (_, n) => n).filter(
    (n) => bytes.readUInt32BE(32 + n * frame + 4) > 0,
  );
  const at = 32 + (ends.at(-2) as number) * frame + 100;
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(wal, bytes);
  const mark = readHeadFile(`${database(folder)}.head`);
  createHeadFile(`${database(folder)}.head`, { ...(mark as NonNullable<typeof mark>), commits: 70 });
  expect(await findings(folder)).toEqual([]);
  let store = opened(folder);
  await store.boot();
  await store.commit(commit({ at: instant(70), log: [{ taskId: taskId(1), entries: [line("after")] }] }));
  await store.close();
  expect(await findings(folder)).toEqual([]);
  store = opened(folder);
  await store.boot();
  await store.close();
});

test("a journal that another program has left is looked at before it is used, and repair puts it aside", async () => {
  const folder = join(root, `${++copies}`);
  copyOf(sound, folder);
  const path = database(folder);
  // What would put back page 2 as it never was: one record, as SQLite documents it.
  const journal = Buffer.alloc(512 + 4 + 4_096 + 4);
  Buffer.from("d9d505f920a163d7", "hex").copy(journal);
  for (const [at, value] of [
    [8, 1],
    [12, 7],
    [16, readFileSync(path).length / 4_096],
    [20, 512],
    [24, 4_096],
    [512, 2],
  ] as const)
    journal.writeUInt32BE(value, at);
  journal.writeUInt32BE(7, 512 + 4 + 4_096);
  writeFileSync(`${path}-journal`, journal);
  const before = readFileSync(path);
  await expect(opened(folder).boot()).rejects.toMatchObject({
    reason: "STORE_DAMAGED",
    message: expect.stringMatching(/-journal lies beside .* another program has written to it; .*--repair/),
  });
  expect(await findings(folder)).toContainEqual(expect.stringContaining("-journal lies beside"));
  expect(readFileSync(path).equals(before)).toBe(true);
  expect((await said(folder)).at(-1)).toMatch(/it is kept as .*taskrun\.db\.damaged-journal/);
  expect(await findings(folder)).toEqual([]);
  expect((await answers(folder)) === intact).toBe(true);
});
