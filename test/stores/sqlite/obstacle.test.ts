import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { Fault } from "#domain/fault";
import type { Store } from "#ports/store";
import { verify } from "#stores/sqlite/damage/verify";
import { PageSums } from "#stores/sqlite/file/page-sums";
import { Reserve } from "#stores/sqlite/file/reserve";
import { sqliteStore } from "#stores/sqlite/index";
import { commit, task, taskId } from "#testing/rows";
import { copyOf } from "./damage-kit.js";

/** What lies in the place of a file of ours. A start that fails lets go of all that it has taken. */

const root = mkdtempSync(join(tmpdir(), "taskrun-obstacle-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const names = ["", "-shm", "-wal", "-journal", ".lock", ".reserve", ".head", ".sums"];

const storeIn = (folder: string, threads: boolean): Store =>
  sqliteStore({ path: join(folder, "taskrun.db"), threads, reserveBytes: 65_536 });

for (const threads of [false, true]) {
  for (const isNew of [true, false]) {
    const when = `${isNew ? "at the first start" : "later"}, ${threads ? "on threads" : "on this thread"}`;
    test(`a directory in the place of a file is named ${when}, and once it is gone the store opens`, {
      timeout: 60_000,
    }, async () => {
      for (const name of isNew ? [...names, ".head.new", ".sums.new"] : names) {
        const folder = mkdtempSync(join(root, "case-"));
        if (!isNew) {
          const store = storeIn(folder, threads);
          await store.boot();
          await store.commit(commit({ tasks: [task(taskId(1))] }));
          await store.close();
        }
        const file = join(folder, `taskrun.db${name}`);
        if (existsSync(file)) renameSync(file, `${file}.aside`);
        mkdirSync(file);
        const error = await storeIn(folder, threads)
          .boot()
          .then(() => undefined)
          .catch((error: unknown) => error);
        expect([name, error]).toEqual([name, expect.any(Fault)]);
        expect([name, (error as Fault).message]).toEqual([name, expect.stringContaining("taskrun.db")]);

        rmdirSync(file);
        if (existsSync(`${file}.aside`)) renameSync(`${file}.aside`, file);
        const again = storeIn(folder, threads);
        await expect(again.boot(), name).resolves.toBeDefined();
        if (!isNew) expect((await again.reads.task(taskId(1)))?.task.id).toBe(taskId(1));
        await again.close();
      }
    });
  }
}

test("a start that fails when the file is open already lets go of it, in the same process", async () => {
  for (const isLate of [true, false]) {
    const folder = mkdtempSync(join(root, "case-"));
    const first = storeIn(folder, false);
    await first.boot();
    await first.commit(commit({ tasks: [task(taskId(1))] }));
    const killed = `${folder}-killed`;
    copyOf(folder, killed);
    await first.close();

    const fail = () => {
      throw new Error("not this time");
    };
    const spy = isLate
      ? vi.spyOn(Reserve.prototype, "take").mockImplementation(fail)
      : vi.spyOn(PageSums.prototype, "checkRest").mockImplementation(fail);
    await expect(storeIn(killed, false).boot()).rejects.toThrow("not this time");
    spy.mockRestore();
    const again = storeIn(killed, false);
    await again.boot();
    expect((await again.reads.task(taskId(1)))?.task.id).toBe(taskId(1));
    await again.close();
  }
});

test("a file whose name is a link has all its files beside the one that is meant, and opens again after each clean close", async () => {
  const folder = mkdtempSync(join(root, "case-"));
  const target = mkdtempSync(join(root, "target-"));
  const first = storeIn(target, false);
  await first.boot();
  await first.close();
  symlinkSync(join(target, "taskrun.db"), join(folder, "taskrun.db"));
  for (let n = 1; n <= 3; n++) {
    const store = storeIn(folder, false);
    await store.boot();
    await store.commit(commit({ tasks: [task(taskId(n), { counts: {} })] }));
    await store.close();
  }
  expect(readdirSync(folder)).toEqual(["taskrun.db"]);
  const found = [];
  for await (const { what } of verify({ path: join(folder, "taskrun.db") })) found.push(what);
  expect(found).toEqual([]);
});

test("a link that leads nowhere is refused, and nothing is made", async () => {
  const folder = mkdtempSync(join(root, "case-"));
  symlinkSync(join(folder, "away", "taskrun.db"), join(folder, "taskrun.db"));
  expect(() => storeIn(folder, false)).toThrow(
    /taskrun\.db is a link that leads to no file .*: put it right/,
  );
  expect(readdirSync(folder)).toEqual(["taskrun.db"]);
});

test("where there is no store, verify says so; an emptied one has lost its commits", async () => {
  const folder = mkdtempSync(join(root, "case-"));
  const path = join(folder, "taskrun.db");
  const findings = async () => {
    const found = [];
    for await (const { what } of verify({ path })) found.push(what);
    return found;
  };
  await expect(findings()).rejects.toMatchObject({
    code: "not_found",
    message: `there is no store at ${path}`,
  });
  expect(readdirSync(folder)).toEqual([]);
  const store = storeIn(folder, false);
  await store.boot();
  await store.commit(commit({ tasks: [task(taskId(1))] }));
  await store.close();
  truncateSync(path, 0);
  expect(await findings()).toContainEqual(expect.stringContaining("has lost commits"));
});
