import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { Store } from "#ports/store";
import { sqliteStore } from "#stores/sqlite/index";
import { commit, task, taskId } from "#testing/rows";

const root = mkdtempSync(join(tmpdir(), "taskrun-watch-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
/** A second is promised; a loaded machine gets more. */
const SOON_MS = 10_000;
let folders = 0;

async function booted(folder = join(root, `${++folders}`)): Promise<{ store: Store; folder: string }> {
  const store = sqliteStore({ path: join(folder, "taskrun.db"), threads: false, reserveBytes: 0 });
  await store.boot();
  await store.commit(commit({ tasks: [task(taskId(1))] }));
  return { store, folder };
}

/** Why the store says that nothing may be asked of it any more, without having been asked. */
async function reasonAfter(harm: (folder: string) => void | Promise<void>): Promise<string> {
  const { store, folder } = await booted();
  await harm(folder);
  const error = await store.failed;
  await expect(store.commit(commit({}))).rejects.toMatchObject({ reason: "STORE_FAILED" });
  await store.close();
  return String(error?.message);
}

const linux = process.platform === "linux";

test("a store whose directory is deleted, moved away or replaced says so by itself", {
  timeout: 4 * SOON_MS,
}, async () => {
  expect(await reasonAfter((folder) => rmSync(folder, { recursive: true }))).toMatch(/deleted or moved away/);
  expect(await reasonAfter((folder) => renameSync(folder, `${folder}-moved`))).toMatch(
    /deleted or moved away/,
  );
  const replaced = await reasonAfter((folder) => {
    cpSync(folder, `${folder}-copy`, { recursive: true });
    renameSync(folder, `${folder}-old`);
    renameSync(`${folder}-copy`, folder);
  });
  expect(replaced).toMatch(/taskrun\.db has been replaced under this server/);
  expect(
    await reasonAfter((folder) => writeFileSync(join(folder, "taskrun.db"), "other", { flag: "r+" })),
  ).toMatch(/taskrun\.db has been written by another program/);
  const cut = await reasonAfter(async (folder) => {
    // A log is known by the last look at it, of which there are two a second.
    await pause(1_100);
    truncateSync(join(folder, "taskrun.db-wal"), 4_000);
  });
  expect(cut).toMatch(/taskrun\.db-wal has been cut short/);
  expect(await reasonAfter((folder) => rmSync(join(folder, "taskrun.db.sums")))).toMatch(
    /\.sums has been deleted/,
  );
  expect(await reasonAfter((folder) => rmSync(join(folder, "taskrun.db.head")))).toMatch(
    /\.head has been deleted/,
  );
});

test.runIf(linux)(
  "a lock file that was deleted lets no second one in, nor does another name of the same file",
  async () => {
    const { store, folder } = await booted();
    rmSync(join(folder, "taskrun.db.lock"));
    const second = () => sqliteStore({ path: join(folder, "taskrun.db"), threads: false, reserveBytes: 0 });
    await expect(second().boot()).rejects.toMatchObject({ reason: "STORE_LOCKED" });
    symlinkSync(folder, `${folder}-link`);
    const linked = sqliteStore({
      path: join(`${folder}-link`, "taskrun.db"),
      threads: false,
      reserveBytes: 0,
    });
    await expect(linked.boot()).rejects.toMatchObject({ reason: "STORE_LOCKED" });
    await store.close();

    const again = second();
    await again.boot();
    await again.close();
  },
);

test("a copy of a directory in use is a directory of its own", async () => {
  const { store, folder } = await booted();
  cpSync(folder, `${folder}-copy`, { recursive: true });
  const copy = sqliteStore({ path: join(`${folder}-copy`, "taskrun.db"), threads: false, reserveBytes: 0 });
  await copy.boot();
  expect((await copy.reads.task(taskId(1)))?.task.id).toBe(taskId(1));
  await copy.close();
  await store.close();
});

const committer = fileURLToPath(new URL("../fixtures/committer.mjs", import.meta.url));

test("of servers that start at the same instant, one has the directory", { timeout: 60_000 }, async () => {
  const path = join(root, "race.db");
  const children = [1, 2, 3].map(() =>
    spawn(process.execPath, [committer, path], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  const says = await Promise.all(
    children.map(async (child) =>
      String((await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value),
    ),
  );
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
  expect(says.filter((line) => line === "open")).toHaveLength(1);
  expect(says.filter((line) => line.startsWith("STORE_LOCKED"))).toHaveLength(2);
});
