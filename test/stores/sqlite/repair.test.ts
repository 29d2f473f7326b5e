import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { instant } from "#domain/time/time";
import type { TaskDetail } from "#ports/store";
import { repair } from "#stores/sqlite/damage/repair";
import { verify } from "#stores/sqlite/damage/verify";
import { openDriver } from "#stores/sqlite/driver";
import { commit, line, run, runId, step, task, taskId } from "#testing/rows";
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

/** Changes that another program has made and moved into the file, with whole rows. */
async function changed(sql: string): Promise<string> {
  const folder = harmed(() => {});
  const db = openDriver(await settled(folder));
  db.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
  db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all([]);
  db.close();
  return folder;
}

test("repair in place keeps the file as it was, and says what leaves no trace", async () => {
  const folder = await changed("DELETE FROM templates");
  const path = join(folder, "taskrun.db");
  const before = readFileSync(path);
  const lines = await said(folder);
  expect(lines.join("\n")).toMatch(/templates, deadlines and .* leave no trace\n.*taskrun\.db\.damaged; /);
  expect(readFileSync(`${path}.damaged`).equals(before)).toBe(true);
  expect(await findings(folder)).toEqual([]);
});

test("lost commits too leave a copy of what was there, the log included", async () => {
  const folder = harmed((path) => truncateSync(`${path}-wal`, 200_000));
  const path = join(folder, "taskrun.db");
  const before = [path, `${path}-wal`].map((file) => readFileSync(file));
  await said(folder);
  const kept = [`${path}.damaged`, `${path}.damaged-wal`].map((file) => readFileSync(file));
  expect(kept.map((bytes, i) => bytes.equals(before[i] as Buffer))).toEqual([true, true]);
});

/** One more Task, with every part that there can be, all of it in the file. */
async function withParts(folder: string): Promise<void> {
  const store = opened(folder);
  await store.boot();
  const id = taskId(70);
  const a = step(id, { name: "a", rank: 1, runId: runId(70) });
  const b = step(id, { name: "b", rank: 2, hasInput: true, outputBytes: 3 });
  const texts = {
    inputs: [{ taskId: id, json: '{"a":1}' }],
    stepInputs: [{ taskId: id, stepName: "b", json: "[1]" }],
    outputs: [{ taskId: id, stepName: "b", json: '"y"' }],
  };
  const entries = { log: [{ taskId: id, entries: [line("one")] }] };
  const row = task(id, { counts: { enqueued: 2 }, inputBytes: 7 });
  const at = instant(TASKS + 1);
  const runs = [run(runId(70), id, { stepName: "a" })];
  await store.commit(commit({ at, tasks: [row], steps: [a, b], runs, ...texts, ...entries }));
  await store.commit(commit({ at, ...entries }));
  await store.close();
}

test(
  "rows that another program has deleted from a Task are missed: verify names them, and repair takes out the Task",
  async () => {
    const harms = [
      ["DELETE FROM steps WHERE task_id = 'task-0070'", "some of its Steps are missing"],
      ["DELETE FROM runs WHERE task_id = 'task-0070'", "Run run-0070 of its Step a is missing"],
      ["DELETE FROM inputs WHERE task_id = 'task-0070'", "its input is missing"],
      ["DELETE FROM step_inputs WHERE task_id = 'task-0070'", "the input of its Step b is missing"],
      ["DELETE FROM outputs WHERE task_id = 'task-0070'", "the output of its Step b is missing"],
      ["DELETE FROM log WHERE task_id = 'task-0070' AND first_seq = 1", "lines of table log are missing"],
      ["DELETE FROM tasks WHERE id = 'task-0070'", "its row of table tasks is damaged or missing"],
    ] as const;
    for (const [sql, why] of harms) {
      const folder = harmed(() => {});
      await withParts(folder);
      const db = openDriver(join(folder, "taskrun.db"));
      db.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
      db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all([]);
      db.close();
      expect([sql, await findings(folder)]).toEqual([
        sql,
        expect.arrayContaining([
          expect.objectContaining({ what: expect.stringMatching(/missing|does not follow/) }),
        ]),
      ]);
      const lines = await said(folder);
      expect([sql, lines.join("\n")]).toEqual([
        sql,
        expect.stringMatching(`Task task-0070.* is gone: ${why}`),
      ]);
      expect([sql, await findings(folder)]).toEqual([sql, []]);
    }
  },
  SLOW_MS,
);

test("templates that are gone are named as one asks for them, whether their row or its page is damaged", async () => {
  for (const wholePage of [false, true]) {
    const folder = harmed(() => {});
    const path = await settled(folder);
    const bytes = readFileSync(path);
    const at = bytes.lastIndexOf('"version":"1.0.40"');
    expect(at).toBeGreaterThan(0);
    if (wholePage) bytes.fill(0, at - (at % 4_096), at - (at % 4_096) + 4_096);
    else bytes.write("9", at + 12);
    writeFileSync(path, bytes);
    expect(await said(folder)).toContain("template default/etl@1.0.40 is gone: its row is damaged");
    expect(await findings(folder)).toEqual([]);
  }
});
