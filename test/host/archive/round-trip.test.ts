/** Exported, removed, and imported into an empty store of any kind: every Task, Step, Run, result and log line, byte for byte. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { instant } from "#domain/time/time";
import { type ExportFilter, exportTasks } from "#host/archive/export";
import { importLines, newCount } from "#host/archive/import";
import { readLines } from "#host/archive/read";
import { limits } from "#limits/index";
import type { Commit, Reads, Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { postgresStore } from "#stores/postgres/index";
import { sqliteStore } from "#stores/sqlite/index";
import { openToRead } from "#stores/sqlite/read/read-only";
import { commit, ended, line, run, spec, step, stepSpec, task, taskId } from "#testing/rows";
import { noPostgres, PostgresServer } from "../../stores/postgres/server.js";

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

const [alone, parent, child, failed, compensation, live] = [1, 2, 3, 4, 5, 6].map((n) => taskId(n)) as [
  TaskId,
  TaskId,
  TaskId,
  TaskId,
  TaskId,
  TaskId,
];
const all = [alone, parent, child, failed, compensation];

const said = (runId: RunId, seq: number, content: string): LogEntry => ({
  ...{ type: "output", at: instant(3_000), runId, fence: 1, seq, content, isFinal: false },
  ...{ metadata: { a: "ü" }, sentAt: 9 },
});

/** One ended Task of each kind that there is, with all that can belong to one, and a live one. */
async function fill(store: Store): Promise<void> {
  const template = { namespace: "default", name: "etl", version: "1.0.0" };
  const specs = {
    [alone]: spec({ idempotencyKey: "k\u0000", fingerprint: "f", labels: { team: "a" } }),
    [parent]: spec({ template, agentName: "" }),
    [child]: spec({ parent: { taskId: parent, stepName: "b" }, depth: 1 }),
    [failed]: spec({ isCompensable: true, retryOf: alone }),
    [compensation]: spec({ compensates: failed }),
    [live]: spec({ idempotencyKey: "live" }),
  };
  for (const id of [...all, live]) {
    const made = task(id, {
      spec: specs[id as keyof typeof specs] as ReturnType<typeof spec>,
      namespace: id === child ? "other" : "default",
    });
    const [first, second] = [`${id}-r1`, `${id}-r2`] as [RunId, RunId];
    await store.commit(
      commit({
        at: instant(4_000),
        tasks: [made],
        steps: ["a", "b"].map((name) =>
          step(id, { name, spec: stepSpec({ planned: name }), dependsOn: name === "b" ? ["a"] : [] }),
        ),
        runs: [run(first, id, { stepName: "a" })],
        inputs: [
          {
            taskId: id,
            json: '{"price": 1.10, "big": 12345678901234567890, "text": "\\u00e9\\n\\ud83d\\ude00"}',
          },
        ],
        log: [{ taskId: id, entries: [line("one"), said(first, 0, 'x"\n\u2028😀')] }],
      }),
    );
    if (id === live) continue;
    await store.commit(
      commit({
        at: instant(5_000),
        tasks: [
          {
            ...ended(made, 100 + all.indexOf(id)),
            ...(id === failed && {
              state: "error",
              reason: "STEP_FAILED",
              errorMessage: "no",
              compensatedBy: compensation,
            }),
            counts: { complete: 2 },
          },
        ],
        steps: ["a", "b"].map((name) =>
          step(id, {
            name,
            revision: 2,
            state: "complete",
            attempts: 2,
            spec: stepSpec({ planned: name }),
            hasInput: name === "b",
            ...(name === "b" && id === parent && { childId: child }),
          }),
        ),
        runs: [
          run(first, id, {
            stepName: "a",
            revision: 2,
            status: "FAILED",
            heldBy: "",
            errorMessage: "boom",
            errorDetail: "at x",
          }),
          run(second, id, { stepName: "a", fence: 2, status: "COMPLETED", heldBy: "", backend: null }),
        ],
        stepInputs: [{ taskId: id, stepName: "b", json: "[ 1.0 ]" }],
        outputs: [{ taskId: id, stepName: "a", json: '{"r": 0.10}' }],
        log: [
          {
            taskId: id,
            entries: Array.from({ length: 40 }, (_, seq) => said(second, seq, `${seq}`.repeat(99))),
          },
        ],
      }),
    );
  }
}

const steps = (id: TaskId) => ["a", "b"].map((stepName) => ({ taskId: id, stepName }));

/** Everything of these Tasks that can be read. */
async function everything(reads: Reads, ids: readonly TaskId[] = all): Promise<unknown> {
  const found = [];
  for (const id of ids) {
    const entries: LogEntry[] = [];
    for (
      let slice = await reads.log(id, 0, 5_000);
      slice.entries.length > 0;
      slice = await reads.log(id, entries.length, 5_000)
    )
      entries.push(...slice.entries);
    const texts = [await reads.input(id)];
    for (const key of steps(id)) texts.push(await reads.stepInput(key), await reads.output(key));
    found.push({ detail: await reads.task(id), texts, entries, bounds: await reads.logBounds(id) });
  }
  return JSON.parse(JSON.stringify(found));
}

async function exported(reads: Reads, filter: Partial<ExportFilter> = {}): Promise<string> {
  let text = "";
  for await (const each of exportTasks(reads, { namespaces: "*", ...filter }, 0, { tasks: 0, held: 0 }))
    text += each;
  return text;
}

/** In parts that end anywhere. */
function partsOf(text: string): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text);
  return Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 997) }, (_, i) => bytes.subarray(i * 997, (i + 1) * 997)),
  );
}

async function imported(text: string, store: Store, batchBytes?: number) {
  const count = newCount();
  let ids = 0;
  const uuid = () => `import-${Math.random()}-${++ids}`;
  await importLines(
    "file",
    readLines("file", partsOf(text)),
    { store, at: instant(6_000), uuid, ...(batchBytes !== undefined && { batchBytes }) },
    count,
  );
  return count;
}

const kinds = ["memory", "sqlite", ...(noPostgres === undefined ? ["postgres"] : [])];

test.each(kinds)(
  "what %s had is in any other store as it was, after it was removed from this one",
  async (kind) => {
    const source = await opened(kind);
    await fill(source);
    const before = await everything(source.reads);
    const text = await exported(source.reads);
    while ((await source.removeFinished(instant(10_000), 10)).length > 0);
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
