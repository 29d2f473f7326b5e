import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Store } from "#ports/store";
import { failureOf } from "#stores/sqlite/failure";
import { HeadFile } from "#stores/sqlite/file/head";
import { PageSums } from "#stores/sqlite/file/page-sums";
import { committedChunks } from "#stores/sqlite/file/wal";
import { sqliteStore } from "#stores/sqlite/index";
import { commit, task, taskId } from "#testing/rows";

const root = mkdtempSync(join(tmpdir(), "taskrun-pages-"));
afterAll(() => rmSync(root, { recursive: true }));
const PAGE = 4_096;
let files = 0;

/** A file with one commit of so many pages, which are all in the log. */
async function fileWith(pages: number): Promise<{ path: string; store: Store }> {
  const path = join(root, `${++files}.db`);
  const store = sqliteStore({ path, threads: false, reserveBytes: 0 });
  await store.boot();
  await store.commit(
    commit({
      tasks: [task(taskId(1))],
      inputs: [{ taskId: taskId(1), json: `"${"x".repeat(pages * PAGE)}"` }],
    }),
  );
  return { path, store };
}

/** A file of a few hundred pages that nobody has open. */
async function settledFile(): Promise<string> {
  const { path, store } = await fileWith(300);
  await store.close();
  return path;
}

function flip(path: string, page: number): void {
  const bytes = readFileSync(path);
  const at = (page - 1) * PAGE + 2_000;
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}

test("a flipped bit is found by its page; one beyond the first pages is found while the server serves", async () => {
  const path = await settledFile();
  expect(new PageSums(path).compare(10)).toEqual({ different: [], unknown: 0 });
  flip(path, 3);
  flip(path, 290);
  expect(new PageSums(path).compare(10).different).toEqual([3, 290]);
  expect(new PageSums(path).compare(1).different).toEqual([3]);

  const sums = new PageSums(path);
  expect(sums.compare(10, 100).different).toEqual([3]);
  let end = () => {};
  const found = await new Promise<Error>((resolve) => {
    end = sums.checkRest(resolve);
  });
  end();
  expect(found.message).toBe("row 290 of table pages is not what was written");
});

test("of a commit longer than what is read at once every page is known to be in the log", async () => {
  const { path, store } = await fileWith(1_500);
  const pages = [...committedChunks(path)].map(({ pages }) => pages.size);
  expect(pages.length).toBeGreaterThan(5);
  expect(pages.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1_500);
  expect(new PageSums(path).compare(10)).toEqual({ different: [], unknown: 0 });
  await store.close();
  expect(new PageSums(path).compare(10)).toEqual({ different: [], unknown: 0 });
});

test.runIf(process.platform === "linux")(
  "a head that cannot be written ends the store, even where there is only no room",
  () => {
    const head = new HeadFile("/dev/full", () => {});
    let thrown: unknown;
    try {
      head.write({ store: "s", commits: 1, digest: 1 });
    } catch (error) {
      thrown = error;
    }
    expect(failureOf(thrown, "x.db")).toMatchObject({
      reason: "STORE_FAILED",
      message: expect.stringContaining("the head beside it cannot be written: ENOSPC"),
    });
  },
);
