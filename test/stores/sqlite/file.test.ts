import { mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { instant } from "#domain/time/time";
import type { Store } from "#ports/store";
import { openDriver, openReadOnly, SqliteError } from "#stores/sqlite/driver";
import { type SqliteOptions, sqliteStore } from "#stores/sqlite/index";
import { commit, ended, run, runId, spec, task, taskId, template } from "#testing/rows";

const root = await mkdtemp(join(tmpdir(), "taskrun-store-"));
afterAll(() => rm(root, { recursive: true }));
const KIB = 1024;
const MIB = 1024 * KIB;

async function booted(path: string, options: Partial<SqliteOptions> = {}): Promise<Store> {
  const store = sqliteStore({ path, threads: false, reserveBytes: 0, ...options });
  await store.boot();
  return store;
}

/** Runs SQL on a file that no store has open. */
function raw(path: string, sql: string): void {
  const db = openDriver(path);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

const input = (number: number, bytes: number) => ({ taskId: taskId(number), json: `"${"x".repeat(bytes)}"` });

test("a file of a later release is refused, by name", async () => {
  const path = join(root, "future.db");
  await (await booted(path)).close();
  // Open until the end, so that the change stays in the log: in the file it would need the checksums of that release.
  const other = openReadOnly(path);
  other.exec(`SELECT 1 FROM ${other.schema}.sqlite_schema`);
  raw(path, "PRAGMA user_version = 99");

  const store = sqliteStore({ path });
  await expect(store.boot()).rejects.toMatchObject({
    reason: "STORE_TOO_NEW",
    message: expect.stringContaining(`${path} was written by a later release (tables of version 99`),
  });
  other.close();
});

test("a file that is no database is refused by name", async () => {
  const path = join(root, "text.db");
  const file = await open(path, "w");
  await file.write("This is a text file, and not a short one.".repeat(1_000));
  await file.close();

  await expect(booted(path)).rejects.toMatchObject({
    reason: "STORE_DAMAGED",
    message: expect.stringContaining(`${path} is damaged: file is not a database`),
  });
});

test("a lock file that is none is named, and can be deleted", async () => {
  const path = join(root, "lock.db");
  await (await booted(path)).close();
  await writeFile(`${path}.lock`, "no lock at all ".repeat(100));
  await expect(booted(path)).rejects.toThrow(/lock\.db\.lock is not what a server has made: delete it/);
  await rm(`${path}.lock`);
  await (await booted(path)).close();
});

test("even SQL by hand cannot change what has ended, nor a template", async () => {
  const path = join(root, "terminal.db");
  const store = await booted(path);
  await store.commit(
    commit({ tasks: [task(taskId(1))], runs: [run(runId(1), taskId(1), { status: "FAILED" })] }),
  );
  await store.commit(commit({ tasks: [ended(task(taskId(1)), 1)], templates: [template("etl", "1.0.0")] }));
  await store.close();

  expect(() => raw(path, "UPDATE tasks SET state = 'pending'")).toThrow(
    "a Task that has ended never changes",
  );
  expect(() => raw(path, "UPDATE runs SET status = 'COMPLETED'")).toThrow(SqliteError);
  expect(() => raw(path, "UPDATE templates SET source = ''")).toThrow("a registered template never changes");
  raw(path, "UPDATE tasks SET state = 'complete'; UPDATE runs SET held_by = ''");
});

test("a second store on the same file is refused within one process too", async () => {
  const path = join(root, "twice.db");
  const store = await booted(path);

  await expect(booted(path)).rejects.toMatchObject({ reason: "STORE_LOCKED" });
  await store.close();
  await (await booted(path)).close();
});

test("a full disk refuses new Tasks, lets running ones end, and takes new ones again when there is room", async () => {
  const store = await booted(join(root, "full.db"), { maxBytes: 4 * MIB, reserveBytes: 1 * MIB });
  const create = (n: number) =>
    store.commit(commit({ tasks: [task(taskId(n))], inputs: [input(n, 200 * KIB)] }));
  let stored = 0;
  const refused = { code: "disk_full", reason: "DISK_FULL" };
  await expect(
    (async () => {
      for (;;) await create(++stored);
    })(),
  ).rejects.toMatchObject(refused);
  stored--;
  expect(stored > 5).toBe(true);

  await expect(create(stored + 1)).rejects.toMatchObject(refused);
  expect((await store.reads.task(taskId(stored + 1)))?.task).toBe(undefined);
  const output = { taskId: taskId(1), stepName: "main", json: `"${"x".repeat(500 * KIB)}"` };
  await store.commit(commit({ tasks: [ended(task(taskId(1)), 100)], outputs: [output] }));
  expect((await store.reads.output({ taskId: taskId(1), stepName: "main" }))?.length).toBe(500 * KIB + 2);
  await expect(create(stored + 1)).rejects.toMatchObject(refused);

  const registered = store.commit(commit({ templates: [template("etl", "1.0.0")] }));
  await expect(registered).rejects.toMatchObject({ code: "disk_full" });
  const undoing = task(taskId(100), { spec: spec({ compensates: taskId(1) }) });
  const child = task(taskId(101), { spec: spec({ parent: { taskId: taskId(2), stepName: "main" } }) });
  await store.commit(commit({ tasks: [undoing, child] }));

  await store.commit(commit({ tasks: [2, 3, 4, 5].map((n) => ended(task(taskId(n)), 100)) }));
  expect((await store.removeFinished(instant(200), 10)).length).toBe(5);
  await create(stored + 1);
  expect((await store.reads.task(taskId(stored + 1)))?.input.length).toBe(200 * KIB + 2);
  await store.close();
});

test("the write-ahead log stays short however much is written", async () => {
  const path = join(root, "wal.db");
  const store = await booted(path, { threads: true });
  for (let n = 1; n <= 30; n++) {
    await store.commit(commit({ tasks: [task(taskId(n))], inputs: [input(n, MIB)] }));
    await store.reads.task(taskId(n));
  }
  expect((await stat(`${path}-wal`)).size).toBeLessThan(12 * MIB);
  await store.close();
  expect((await stat(path)).size).toBeGreaterThan(30 * MIB);
});

test("a file with damaged pages is refused", async () => {
  const path = join(root, "damaged.db");
  const before = await booted(path);
  for (let n = 1; n <= 50; n++)
    await before.commit(commit({ tasks: [task(taskId(n))], inputs: [input(n, 20 * KIB)] }));
  await before.close();
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(400 * KIB, 7), 0, 400 * KIB, 256 * KIB);
  await file.close();

  await expect(booted(path)).rejects.toMatchObject({ code: "internal", reason: "STORE_DAMAGED" });
});
