import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { instant } from "#domain/time/time";
import { repair } from "#stores/sqlite/damage/repair";
import { verify } from "#stores/sqlite/damage/verify";
import { openDriver, preferredDriver } from "#stores/sqlite/driver";
import { load } from "#stores/sqlite/read/load";
import { Reader } from "#stores/sqlite/read/reader";
import { DamagedRow } from "#stores/sqlite/rows/checksum";
import { loads, prepareAll } from "#stores/sqlite/rows/statements";
import { encodeNeeds } from "#stores/sqlite/thread/messages";
import { commit, deadLetter, ended, run, runId, step, task, taskId } from "#testing/rows";
import { copyOf, opened } from "./damage-kit.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-letters-"));
const sound = join(root, "sound");
const [held, failed, other] = [taskId(1), taskId(2), taskId(3)];

beforeAll(async () => {
  const store = opened(sound);
  await store.boot();
  for (const [i, id] of [held, failed, other].entries()) {
    const row = task(id, { state: "blocked_by_failures", hasDeadLetter: true, counts: { error: 1 } });
    const letter = deadLetter(id, { reason: "HELD", notes: `notes about ${id}` });
    const steps = [step(id, { state: "error" })];
    const runs = [run(runId(i), id, { status: "FAILED", heldBy: "" })];
    await store.commit(commit({ tasks: [row], steps, runs, deadLetters: [letter] }));
    if (id === held) continue;
    const over = { ...ended(row, 9), state: "error", counts: { error: 1 } } as const;
    await store.commit(commit({ at: instant(9), tasks: [over] }));
  }
  await store.close();
});
afterAll(() => rmSync(root, { recursive: true }));

/** A copy in which one letter of the notes about this Task is another one. */
function harmed(id: string): string {
  const folder = join(root, id);
  copyOf(sound, folder);
  const path = join(folder, "taskrun.db");
  const bytes = readFileSync(path);
  const at = bytes.indexOf(`notes about ${id}`);
  expect(at).toBeGreaterThan(0);
  bytes.write("nates", at);
  writeFileSync(path, bytes);
  return folder;
}

async function all<Each>(each: AsyncIterable<Each>): Promise<Each[]> {
  const found: Each[] = [];
  for await (const one of each) found.push(one);
  return found;
}

test.each([held, failed])("repair takes out a damaged dead letter, and not its Task (%s)", async (id) => {
  const folder = harmed(id);
  const path = join(folder, "taskrun.db");
  const damaged = { table: "dead_letters", key: id, what: "is not what was written" };
  expect(await all(verify({ path }))).toContainEqual(damaged);
  await expect(opened(folder).boot()).rejects.toMatchObject({ reason: "STORE_DAMAGED" });

  const said = await all(repair({ path }));
  const sentence = `the dead letter of Task ${id} is gone, with what was written in it: its row is damaged; look into the Task itself`;
  expect(said.filter((each) => each.includes("Task "))).toEqual([sentence]);
  expect(await all(verify({ path }))).toEqual([]);

  const before = opened(sound);
  const after = opened(folder);
  await before.boot();
  await after.boot();
  for (const each of [held, failed, other]) {
    const was = await before.reads.task(each);
    const letter = await before.reads.deadLetters.get(each, "*");
    const expected = each === id ? { ...was, task: { ...was?.task, hasDeadLetter: false } } : was;
    expect(await after.reads.task(each)).toEqual(expected);
    expect(await after.reads.deadLetters.get(each, "*")).toEqual(each === id ? undefined : letter);
  }
  // Once more it has one, as any Task without.
  await after.commit(commit({ at: instant(20), deadLetters: [deadLetter(id)], deadlines: [] }));
  expect(await after.reads.deadLetters.get(id, "*")).toEqual(deadLetter(id));
  await before.close();
  await after.close();
});

test("a damaged dead letter is refused by every read of it", () => {
  const path = join(root, "read.db");
  copyFileSync(join(sound, "taskrun.db"), path);
  const reads = () => {
    const reader = new Reader({ path, driver: preferredDriver(), maxBytes: 0, reserveBytes: 0 });
    const sql = prepareAll(openDriver(path), loads);
    const list = { namespaces: null, statuses: null, reason: null, after: null, pageSize: 10 };
    return [
      () => reader.deadLetter({ id: failed, namespaces: null }),
      () => reader.deadLetters({ ...list, scannedRows: 100 } as never),
      () => load(sql, encodeNeeds({ deadLetters: [failed] })),
    ];
  };
  for (const read of reads()) expect(read).not.toThrow();
  const db = openDriver(path);
  db.exec("UPDATE dead_letters SET rest = replace(rest, 'notes', 'nates') WHERE task_id = 'task-0002'");
  db.close();
  for (const read of reads()) expect(read).toThrow(DamagedRow);
});
