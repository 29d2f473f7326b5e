import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskDetail } from "#ports/store";
import { openDriver } from "#stores/sqlite/driver";
import { repair } from "#stores/sqlite/repair";
import { verify } from "#stores/sqlite/verify";
import { taskId } from "#testing/rows";
import { copyOf, fill, opened, TASKS } from "./damage-kit.js";

const SLOW_MS = 120_000;
const root = mkdtempSync(join(tmpdir(), "taskrun-repair-"));
const sound = join(root, "sound");
const intact = new Map<string, TaskDetail | undefined>();
let copies = 0;

beforeAll(async () => {
  const left = join(root, "left");
  const store = await fill(left);
  copyOf(left, sound);
  for (let n = 1; n <= TASKS; n++) intact.set(taskId(n), await store.reads.task(taskId(n)));
  await store.close();
}, SLOW_MS);
afterAll(() => rmSync(root, { recursive: true }));

/** A directory of its own for each harm: SQLite knows a file by its inode. */
function harmed(harm: (path: string) => void): string {
  const folder = join(root, `${++copies}`);
  copyOf(sound, folder);
  harm(join(folder, "taskrun.db"));
  return folder;
}

async function said(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of repair({ path: join(folder, "taskrun.db") })) lines.push(line);
  return lines;
}

async function findings(folder: string) {
  const found = [];
  for await (const finding of verify({ path: join(folder, "taskrun.db") })) found.push(finding);
  return found;
}

/** The Tasks that are still there, each as it was. */
async function survivors(folder: string): Promise<Set<string>> {
  const store = opened(folder);
  await store.boot();
  const there = new Set<string>();
  for (const [id, detail] of intact) {
    const now = await store.reads.task(id as never);
    // One that was removed comes back if its removal is among the commits that were lost.
    if (!now || !detail) continue;
    expect(now).toEqual(detail);
    there.add(id);
  }
  await store.close();
  return there;
}

/** Everything in the file itself, nothing in the log: so that what is harmed is not covered by it. */
async function settled(folder: string): Promise<string> {
  const store = opened(folder);
  await store.boot();
  await store.close();
  return join(folder, "taskrun.db");
}

const replaceOnce = (path: string, find: string, by: string) => {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(find);
  expect(at).toBeGreaterThan(0);
  bytes.write(by, at);
  writeFileSync(path, bytes);
};

test("of a sound directory nothing is said, and nothing is changed", async () => {
  const folder = harmed(() => {});
  expect(await findings(folder)).toEqual([]);
  const before = readFileSync(join(folder, "taskrun.db"));
  expect(await said(folder)).toEqual([]);
  expect(readFileSync(join(folder, "taskrun.db")).equals(before)).toBe(true);
  expect((await survivors(folder)).size).toBe(TASKS - 1);
});

test(
  "a damaged row is named by verify, refused at the start, and repair takes out its Task and no other",
  async () => {
    const folder = harmed(() => {});
    const path = await settled(folder);
    replaceOnce(path, `"${"y".repeat(9)}"`, `"${"y".repeat(8)}z"`);
    expect(await findings(folder)).toContainEqual({
      table: "outputs",
      key: "task-0009/a",
      what: "is not what was written",
    });
    await expect(opened(folder).boot()).rejects.toMatchObject({
      reason: "STORE_DAMAGED",
      message: expect.stringContaining("row task-0009/a of table outputs is not what was written"),
    });

    const lines = await said(folder);
    expect(lines.at(-2)).toBe(
      "Task task-0009 of namespace default, complete, is gone: row task-0009/a of table outputs is damaged",
    );
    expect(lines.at(-1)).toContain("taskrun.db.damaged");
    expect(await findings(folder)).toEqual([]);
    const there = await survivors(folder);
    expect([there.size, there.has("task-0009")]).toEqual([TASKS - 2, false]);
  },
  SLOW_MS,
);

test("after lost commits repair goes on from the number that was acknowledged, and says how many are gone", async () => {
  const folder = harmed((path) => rmSync(`${path}-wal`));
  const lines = await said(folder);
  expect(lines[0]).toContain("taskrun.db has lost commits");
  expect(lines[1]).toMatch(/^what the last 4\d commits changed is gone/);
  expect(await findings(folder)).toEqual([]);
  expect((await survivors(folder)).size).toBeGreaterThan(20);
  // A second time there is nothing to repair, and the head is right.
  expect(await said(folder)).toEqual([]);
});

test(
  "whatever page is zeroed, repair ends with a sound file, and names every Task that is not there any more",
  async () => {
    const pages = statSync(join(sound, "taskrun.db")).size / 4_096;
    let hopeless = 0;
    for (let n = 1; n <= 10; n++) {
      const page = Math.floor(((n * 7_919) % pages) + 1) % pages;
      const folder = harmed(() => {});
      const path = await settled(folder);
      const bytes = readFileSync(path);
      if (page === 0) continue;
      bytes.fill(0, page * 4_096, (page + 1) * 4_096);
      writeFileSync(path, bytes);
      const lines = await said(folder).catch((error: Error) => [error.message]);
      if (lines[0]?.includes("cannot be repaired: where its table")) {
        hopeless += 1;
        continue;
      }
      expect([page, await findings(folder)]).toEqual([page, []]);
      const there = await survivors(folder);
      const gone = [...intact].filter(([id, detail]) => detail && !there.has(id)).map(([id]) => id);
      expect([page, gone.filter((id) => !lines.some((line) => line.includes(id)))]).toEqual([page, []]);
      rmSync(folder, { recursive: true });
    }
    expect(hopeless).toBeLessThan(2);
  },
  SLOW_MS,
);

test("one flipped bit of the version is no other release's file, nor an earlier one, and repair puts it right", async () => {
  // To 0, to 5, and to one far beyond: none has checksums beside it that would fit.
  for (const [byte, bit] of [
    [63, 4],
    [63, 1],
    [60, 64],
  ] as const) {
    const folder = harmed(() => {});
    const path = await settled(folder);
    const bytes = readFileSync(path);
    bytes[byte] = (bytes[byte] ?? 0) ^ bit;
    writeFileSync(path, bytes);
    await expect(opened(folder).boot()).rejects.toMatchObject({
      reason: expect.stringMatching(/^STORE_(DAMAGED|BEHIND)$/),
    });
    expect(await findings(folder)).toContainEqual(
      expect.objectContaining({ what: "page 1 is not as its checksum says" }),
    );
    expect((await said(folder)).length).toBeGreaterThan(1);
    expect(await findings(folder)).toEqual([]);
    expect((await survivors(folder)).size).toBe(TASKS - 1);
  }
});

test("a file that does not say how many pages it has is looked at whole", async () => {
  const folder = harmed(() => {});
  const path = await settled(folder);
  const bytes = readFileSync(path);
  bytes.fill(0, 28, 32);
  writeFileSync(path, bytes);
  await expect(opened(folder).boot()).rejects.toMatchObject({ reason: "STORE_DAMAGED" });
});

test("a trigger that another program has put in is named, and repair leaves it behind", async () => {
  const folder = harmed(() => {});
  const path = await settled(folder);
  const db = openDriver(path);
  db.exec("CREATE TRIGGER eater AFTER INSERT ON outputs BEGIN DELETE FROM outputs; END");
  db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all([]);
  db.close();
  expect(await findings(folder)).toContainEqual(
    expect.objectContaining({ what: "the trigger eater does not belong in it" }),
  );
  await expect(opened(folder).boot()).rejects.toMatchObject({ reason: "STORE_DAMAGED" });
  await said(folder);
  expect(await findings(folder)).toEqual([]);
  expect((await survivors(folder)).size).toBe(TASKS - 1);
});

test("a repair that was killed before the new file was in its place is finished by the next one", async () => {
  const folder = harmed(() => {});
  const path = join(folder, "taskrun.db");
  // So that the file is written anew, while the log has commits that only the draft can keep.
  const before = join(root, "before-repair");
  const settledPath = await settled(folder);
  replaceOnce(settledPath, `"${"y".repeat(9)}"`, `"${"y".repeat(8)}z"`);
  copyOf(folder, before);
  const lines = await said(folder);
  expect(lines.at(-1)).toContain("the damaged file is kept as");

  const killed = join(root, "killed");
  copyOf(before, killed);
  copyFileSync(path, join(killed, "taskrun.db.repaired"));
  copyFileSync(`${path}.head`, join(killed, "taskrun.db.head"));
  expect((await said(killed))[0]).toContain("a repair that was interrupted is finished");
  expect(await findings(killed)).toEqual([]);
  expect(await survivors(killed)).toEqual(await survivors(folder));
});
