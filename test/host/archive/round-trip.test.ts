/** Exported, removed, and imported into an empty store of any kind: every Task, Step, Run, result and log line, byte for byte. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunId } from "#domain/id";
import { instant } from "#domain/time/time";
import { exportTasks } from "#host/archive/export";
import { importLines, newCount } from "#host/archive/import";
import { readLines } from "#host/archive/read";
import { limits } from "#limits/index";
import type { Commit, Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { postgresStore } from "#stores/postgres/index";
import { sqliteStore } from "#stores/sqlite/index";
import { openToRead } from "#stores/sqlite/read/read-only";
import { commit, ended, line, run, spec, task, taskId } from "#testing/rows";
import { noPostgres, PostgresServer } from "../../stores/postgres/server.js";
import { alone, child, everything, exported, failed, fill, imported, live, parent, said } from "./kit.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-archive-"));
afterAll(() => rmSync(root, { recursive: true }));
let server: PostgresServer | undefined;
beforeAll(async () => {
  if (noPostgres === undefined) server = await PostgresServer.start();
});
afterAll(() => server?.stop());

let files = 0;
const sqlite = () =>
  sqliteStore({ path: join(root, `${++files}.db`), threads: false, reserveBytes: 0, remember: false });
const makers = {
  memory: () => memoryStore(),
  sqlite,
  ...(noPostgres === undefined && { postgres: () => postgresStore({ url: String(server?.url()) }) }),
} as Readonly<Record<string, () => Store>>;

const open: Store[] = [];
afterAll(() => Promise.all(open.map((store) => store.close())));
async function opened(kind: string): Promise<Store> {
  const store = makers[kind]?.() as Store;
  open.push(store);
  await store.boot();
  return store;
}

const kinds = ["memory", "sqlite", ...(noPostgres === undefined ? ["postgres"] : [])];

/** All have ended long enough ago, and have waited long enough for a person. */
const old = { before: instant(10_000), rules: [], pendingSince: instant(10_000) };

test.each(kinds)(
  "what %s had is in any other store as it was, after it was removed from this one",
  async (kind) => {
    const source = await opened(kind);
    await fill(source);
    const before = await everything(source.reads);
    const text = await exported(source.reads);
    while ((await source.removeFinished(old, 10)).length > 0);
    expect((await source.reads.tasks({ namespaces: "*" }, undefined, 10)).tasks.map(({ id }) => id)).toEqual([
      live,
    ]);
    for (const other of kinds) {
      const target = await opened(other);
      expect(await imported(text, target)).toMatchObject({ imported: 5, skipped: 0, refused: [] });
      expect(await everything(target.reads), `${kind} to ${other}`).toEqual(before);
      // The key is its Task's again.
      const { tasks } = await target.load({ keys: [{ namespace: "default", key: "k\u0000" }] });
      expect(tasks.map(({ id }) => id)).toEqual([alone]);
    }
    expect(await imported(text, source)).toMatchObject({ imported: 5 });
    expect(await everything(source.reads)).toEqual(before);
  },
);

test("imported twice it is there once; what differs is refused by its id, and stays as it was", async () => {
  const [source, target] = [await opened("memory"), await opened("sqlite")];
  await fill(source);
  const text = await exported(source.reads);
  await imported(text, target);
  const before = await everything(target.reads);
  expect(await imported(text, target)).toMatchObject({ imported: 0, skipped: 5, refused: [] });

  const other = await opened("memory");
  await fill(other);
  await other.commit(commit({ log: [{ taskId: child, entries: [line("more")] }] }));
  await other.commit(commit({ outputs: [{ taskId: parent, stepName: "a", json: '{"r": 0.1}' }] }));
  const row = (await other.reads.task(alone))?.task;
  if (row)
    await other.commit(commit({ tasks: [{ ...row, revision: row.revision + 1, errorMessage: "other" }] }));
  const count = await imported(await exported(other.reads), target);
  expect(count.refused).toEqual([
    { id: parent, why: "a text of it is there, and differs" },
    { id: alone, why: "it is there, and in another state" },
  ]);
  // A longer log than the one that is there is what an interrupted import has left.
  expect([count.imported, count.skipped]).toEqual([1, 2]);
  expect(await everything(target.reads, [alone, parent, failed])).toEqual(
    await everything(source.reads, [alone, parent, failed]),
  );
  expect(JSON.stringify(before)).toContain("boom");
});

test("an import that was interrupted anywhere goes on where it was, and a live Task of the same id is never touched", async () => {
  const source = await opened("memory");
  await fill(source);
  const text = await exported(source.reads);
  const before = await everything(source.reads);
  const lines = text.split(/(?<=\n)/);
  for (let cut = 2; cut < lines.length; cut += 7) {
    const target = await opened("memory");
    await expect(imported(lines.slice(0, cut).join(""), target, 1)).rejects.toMatchObject({
      reason: "EXPORT_DAMAGED",
    });
    const count = await imported(text, target, 1);
    expect(count.refused).toEqual([]);
    expect(count.imported + count.skipped).toBe(5);
    expect(await everything(target.reads)).toEqual(before);
  }
  const target = await opened("memory");
  await target.commit(commit({ tasks: [task(alone)] }));
  expect((await imported(text, target)).refused).toEqual([
    { id: alone, why: "it is there, and in another state" },
  ]);
  expect((await target.reads.task(alone))?.task).toEqual(task(alone));
});

test("a key that another Task has by now stays with it", async () => {
  const [source, target] = [await opened("memory"), await opened("sqlite")];
  await fill(source);
  await target.commit(commit({ tasks: [task(live, { spec: spec({ idempotencyKey: "k\u0000" }) })] }));
  const text = await exported(source.reads);
  expect(await imported(text, target)).toMatchObject({ imported: 5, withoutKey: 1 });
  expect((await target.reads.task(alone))?.task.ownsKey).toBe(false);
  expect(await imported(text, target)).toMatchObject({ imported: 0, skipped: 5, withoutKey: 0 });
});

test("filters: namespaces, a status, and when they finished; Tasks that a worker still holds a Run of are left out", async () => {
  const source = await opened("sqlite");
  await fill(source);
  const idsIn = (text: string) =>
    text.split("\n").flatMap((each) => (each.startsWith('{"type":"task"') ? [JSON.parse(each).row.id] : []));
  expect(idsIn(await exported(source.reads, { namespaces: ["other"] }))).toEqual([child]);
  expect(idsIn(await exported(source.reads, { status: "FAILED" }))).toEqual([failed]);
  expect(idsIn(await exported(source.reads, { finishedBefore: 102 }))).toEqual([parent, alone]);
  const held = taskId(9);
  await source.commit(
    commit({ tasks: [task(held)], runs: [run("held" as RunId, held, { status: "CANCELLED" })] }),
  );
  await source.commit(commit({ tasks: [ended(task(held, { counts: {} }), 50)] }));
  expect(idsIn(await exported(source.reads))).not.toContain(held);
});

test("every damaged, cut or missing line is told with its number", async () => {
  const source = await opened("memory");
  await fill(source);
  const text = await exported(source.reads);
  const lines = text.split(/(?<=\n)/);
  const refusal = async (changed: readonly string[]) => {
    const target = await opened("memory");
    return imported(changed.join(""), target).then(
      () => "",
      (error: Error) => error.message,
    );
  };
  for (let at = 0; at < lines.length; at += 3) {
    const content = lines[at] as string;
    const middle = Math.floor(content.length / 2);
    const flipped =
      content.slice(0, middle) +
      String.fromCharCode(content.charCodeAt(middle) ^ 1 || 32) +
      content.slice(middle + 1);
    expect(await refusal([...lines.slice(0, at), flipped, ...lines.slice(at + 1)])).toMatch(
      new RegExp(`^file, line ${at + 1}: `),
    );
    if (at > 0)
      expect(await refusal([...lines.slice(0, at), ...lines.slice(at + 1)])).toMatch(/^file, line \d+: /);
  }
  expect(await refusal(lines.slice(0, -1))).toBe(
    `file, line ${lines.length}: the file ends before its end: it was cut off`,
  );
  expect(await refusal([...lines, lines.at(-1) as string])).toContain("something follows its end");
  expect(await refusal(["{}\n"])).toContain("line 1");
  expect(await refusal([])).toContain("line 1: the file ends before its end");
});

test("of a Task with a log of many megabytes only a part is in memory: no commit is larger, and none asks for more", async () => {
  const source = await opened("sqlite");
  const id = taskId(7);
  await source.commit(commit({ tasks: [task(id, { counts: {} })] }));
  const content = "y".repeat(limits.chunkBytes);
  for (let n = 0; n < 20; n++)
    await source.commit(
      commit({
        log: [
          {
            taskId: id,
            entries: Array.from({ length: 16 }, (_, i) => said("r" as RunId, 16 * n + i, content)),
          },
        ],
      }),
    );
  await source.commit(commit({ tasks: [ended(task(id, { counts: {} }), 50)] }));
  const target = await opened("sqlite");
  const commits: number[] = [];
  const watched = {
    load: target.load.bind(target),
    reads: target.reads,
    commit: (turn: Commit) => {
      commits.push(JSON.stringify(turn).length);
      return target.commit(turn);
    },
  };
  const lines = async function* () {
    for await (const each of exportTasks(source.reads, { namespaces: "*" }, 0, { tasks: 0, held: 0 }))
      yield Buffer.from(each);
  };
  const count = newCount();
  const importing = { store: watched, at: instant(1), uuid: () => `big-${commits.length}` };
  await importLines("file", readLines("file", lines()), importing, count);
  expect(count.imported).toBe(1);
  expect(Math.max(...commits)).toBeLessThan(limits.importBatchBytes + 2 * limits.exportLogBytes);
  expect(commits.length).toBeGreaterThan(4);
  expect((await target.reads.logBounds(id))?.last).toBe(320);
});

test("a store in use is exported as well, and one that is not cannot be begun meanwhile", async () => {
  const path = join(root, "served.db");
  const store = sqliteStore({ path, threads: false, reserveBytes: 0, remember: false });
  await store.boot();
  await fill(store);
  const text = await exported(store.reads);
  const served = await openToRead(path);
  expect(served.online).toBe(true);
  expect(await exported(served.reads)).toBe(text);
  await served.close();
  await store.close();
  const alone = await openToRead(path);
  expect(alone.online).toBe(false);
  expect(await exported(alone.reads)).toBe(text);
  await expect(sqliteStore({ path, threads: false }).boot()).rejects.toMatchObject({
    reason: "STORE_LOCKED",
  });
  await alone.close();
});
