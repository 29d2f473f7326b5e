import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import type { RunRow } from "#domain/task/run";
import { instant } from "#domain/time/time";
import type { Store } from "#ports/store";
import { repair } from "#stores/sqlite/damage/repair";
import { verify } from "#stores/sqlite/damage/verify";
import { openDriver } from "#stores/sqlite/driver";
import { migrations } from "#stores/sqlite/migrations/index";
import { DamagedRow } from "#stores/sqlite/rows/checksum";
import { fixed, fixedJson, json, packed, plain } from "#stores/sqlite/rows/codec";
import { Layouts, layoutRows } from "#stores/sqlite/rows/layouts";
import { rowTables, runTable } from "#stores/sqlite/rows/rows";
import { type Table, table } from "#stores/sqlite/rows/table";
import { commit, ended, run, runId, task, taskId } from "#testing/rows";
import { copyOf, everything, opened } from "./damage-kit.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-layouts-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const database = (folder: string) => join(folder, "taskrun.db");

/*
 * `fixtures/before-layouts` was written by the release before layouts: what a kill left behind, half of it in the
 * write-ahead log; and all that could be read of it then.
 */
const FIXTURE = join(import.meta.dirname, "fixtures/before-layouts");
const unpacked = (name: string) => gunzipSync(readFileSync(join(FIXTURE, name)));
const before: object = JSON.parse(unpacked("everything.json.gz").toString(), underPresentNames);

/** Fields that have been renamed since. */
function underPresentNames(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const present = (name: string, member: unknown): string => {
    if (name === "holdsKey") return "ownsKey";
    if (name === "undo") return "compensation";
    if (name === "undoes") return typeof member === "boolean" ? "isCompensable" : "compensates";
    return name;
  };
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [present(name, member), member]));
}

/** A release may have kinds of rows that the one before had not. */
const now = async (store: Store): Promise<object> => JSON.parse(await everything(store));

function oldFolder(): string {
  const folder = join(root, `${++folders}`);
  mkdirSync(folder);
  for (const name of readdirSync(FIXTURE).filter((file) => file.startsWith("taskrun.db"))) {
    writeFileSync(join(folder, name.replace(/\.gz$/, "")), unpacked(name));
  }
  return folder;
}

async function findings(folder: string): Promise<string[]> {
  const found = [];
  for await (const { what } of verify({ path: database(folder) })) found.push(what);
  return found;
}

test("a directory of the release before opens, and says what it said; old and new rows lie side by side", async () => {
  const folder = oldFolder();
  expect(await findings(folder)).toEqual([]);
  const store = opened(folder);
  expect(await now(store)).toMatchObject(before);

  const made = run(runId(50), taskId(1), { stepName: "b", errorMessage: "new" });
  const [old] = (await store.load({ wholeTasks: [taskId(1)] })).tasks;
  const [moved] = (await store.load({ runs: [runId(1)] })).runs;
  if (!old || !moved) throw new Error("they are in the fixture");
  expect(moved.errorDetail).toBe("");
  const changed = { ...moved, revision: 2, nextSeq: 7 };
  const later = [ended(old, 9_000), task(taskId(20), { counts: {}, errorMessage: "new" })];
  await store.commit(commit({ at: instant(100), tasks: later, runs: [changed, made] }));
  const mixed = await everything(store);
  const killed = join(root, `${++folders}`);
  copyOf(folder, killed);
  await store.close();

  for (const left of [folder, killed]) {
    expect(await findings(left)).toEqual([]);
    const again = opened(left);
    expect(await everything(again)).toBe(mixed);
    expect((await again.load({ runs: [runId(1), runId(2), runId(50)] })).runs).toMatchObject([
      changed,
      { id: runId(2), agentName: "echo", createdAt: 2_000, nextSeq: 0 },
      made,
    ]);
    await again.close();
  }
});

test("a kill right behind the migration leaves a directory that opens", async () => {
  const folder = oldFolder();
  const store = opened(folder);
  await store.open?.();
  const killed = join(root, `${++folders}`);
  copyOf(folder, killed);
  await store.close();
  // The mark beside the file may not have been moved yet.
  writeFileSync(`${database(killed)}.head`, unpacked("taskrun.db.head.gz"));

  expect(await findings(killed)).toEqual([]);
  const again = opened(killed);
  expect(await now(again)).toMatchObject(before);
  await again.close();
});

test("a repair of a directory with old and new rows keeps both, and what it writes needs no old layout", async () => {
  const sound = oldFolder();
  const whole = task(taskId(20), { counts: {}, errorMessage: "new" });
  const store = opened(sound);
  await store.boot();
  await store.commit(commit({ at: instant(100), tasks: [whole] }));
  await store.close();
  const folder = join(root, `${++folders}`);
  cpSync(sound, folder, { recursive: true });
  const db = openDriver(database(folder));
  db.exec("UPDATE inputs SET json = '1' WHERE task_id = 'task-0009'");
  db.close();

  const said = [];
  for await (const line of repair({ path: database(folder) })) said.push(line);
  expect(said).toContainEqual(expect.stringMatching(/^Task task-0009 .* is gone/));
  expect(await findings(folder)).toEqual([]);
  const repaired = opened(folder);
  await repaired.boot();
  expect((await repaired.reads.task(taskId(20)))?.task.errorMessage).toBe("new");
  expect((await repaired.reads.run(runId(2)))?.createdAt).toBe(2_000);
  await repaired.close();
  const rows = openDriver(database(folder));
  expect(
    rows.prepare("SELECT count(*) FROM runs WHERE json_type(rest, '$[0]') <> 'integer'").all([]),
  ).toEqual([[0]]);
  rows.close();
});

/** A Run's row as some other release might keep it: other fields, other names, in another order. */
interface OtherRun {
  readonly id: string;
  readonly taskId: string;
  readonly stepName: string;
  readonly revision: number;
  readonly status: string;
  readonly holder: string;
  readonly colour: string;
  readonly shade: number | null;
  readonly outcome: string;
  readonly agentName: string;
  readonly model: unknown;
}
const otherRuns = table<OtherRun>("runs", ["id"], {
  model: { ...packed, name: "backend" },
  colour: { ...packed, missing: "none" },
  agentName: packed,
  shade: packed,
  outcome: { ...packed, name: "errorMessage" },
  id: fixed,
  taskId: fixed,
  stepName: fixed,
  revision: plain,
  status: plain,
  holder: { ...plain, column: "held_by" },
});

/** What tables of one release read of the rows in a file, whoever has written them. */
function read<Row>(folder: string, { name, sealed, textOf, row }: Table<Row>): Row[] {
  const db = openDriver(database(folder));
  const layouts = new Layouts(layoutRows(db));
  const found = db.prepare(`SELECT ${sealed("")} FROM ${name} ORDER BY id`).all([]);
  db.close();
  return found.map((cells) => row(textOf(cells), layouts));
}

test("rows are read by name: by releases with fields in another order, more, fewer, or renamed", async () => {
  const folder = oldFolder();
  const store = opened(folder);
  await store.boot();
  const made = run(runId(50), taskId(1), { stepName: "b", errorMessage: "new", agentName: "x" });
  await store.commit(commit({ at: instant(100), runs: [made] }));
  await store.close();

  const part = { taskId: taskId(1), revision: 1, status: "ASSIGNED", holder: "s1" };
  const unknown = { colour: "none", shade: null, model: null };
  const found = read(folder, otherRuns);
  expect(found.at(0)).toEqual({
    ...part,
    ...unknown,
    id: runId(1),
    stepName: "a",
    agentName: "echo",
    outcome: "",
  });
  expect(found.at(-1)).toEqual({
    ...{ ...part, ...unknown, id: runId(50), stepName: "b" },
    ...{ agentName: "x", outcome: "new" },
  });

  const theirs = { ...(found.at(-1) as OtherRun), revision: 2, colour: "red", outcome: "theirs" };
  const db = openDriver(database(folder));
  db.prepare("INSERT INTO layouts VALUES (?, ?, ?, 0)").run([
    otherRuns.layout.id,
    "runs",
    JSON.stringify(otherRuns.layout.names),
  ]);
  const layouts = new Layouts([[otherRuns.layout.id, "runs", JSON.stringify(otherRuns.layout.names)]]);
  expect(db.prepare(otherRuns.update).run(otherRuns.sealUpdated(otherRuns.updateValues(theirs)))).toBe(1);
  const [cells = []] = db.prepare(`SELECT ${runTable.sealed("")} FROM runs WHERE id = ?`).all([runId(50)]);
  db.close();
  const ours: RunRow = runTable.row(runTable.textOf(cells), layouts);
  // What they do not keep is unknown, and none of it is taken for something else.
  const kept = { errorMessage: "theirs", agentName: "x", backend: null, revision: 2 };
  expect(ours).toMatchObject({ ...kept, namespace: null, createdAt: null });
  expect(() => runTable.row(runTable.textOf(cells), new Layouts())).toThrow(DamagedRow);
});

test("members of a JSON column are read under the names they have now", () => {
  interface Thing {
    readonly id: string;
    readonly revision: number;
    readonly spec: { readonly compensates?: string; readonly kept: number };
    readonly more: unknown;
  }
  const shape = { id: fixed, revision: plain, more: json };
  const then = table<Thing>("things", ["id"], { ...shape, spec: fixedJson });
  const now = table<Thing>("things", ["id"], {
    ...shape,
    spec: { ...fixedJson, formerly: { undoes: "compensates" } },
  });
  const db = openDriver(":memory:");
  db.exec(
    "CREATE TABLE things (id TEXT, revision INTEGER, spec TEXT, more TEXT, rest TEXT, fixed_sum INTEGER, sum INTEGER)",
  );
  const specs = [{ undoes: "a", kept: 1 }, { kept: 2 }, { compensates: "b", kept: 3 }];
  for (const [i, spec] of specs.entries()) {
    const row = { id: `${i}`, revision: 1, spec: spec as Thing["spec"], more: null };
    db.prepare(then.insert.replace(" ON CONFLICT DO NOTHING", "")).run(
      then.sealInserted(then.insertValues(row)),
    );
  }
  const rows = db
    .prepare(`SELECT ${now.sealed("")} FROM things`)
    .all([])
    .map((cells) => now.row(now.textOf(cells), new Layouts()).spec);
  db.close();

  expect(rows).toEqual([{ compensates: "a", kept: 1 }, { kept: 2 }, { compensates: "b", kept: 3 }]);
});

test("a row whose layout the file does not know is damaged, and ends the store that meets it", async () => {
  const folder = join(root, `${++folders}`);
  const store = opened(folder);
  await store.boot();
  await store.commit(commit({ tasks: [task(taskId(1))] }));
  const db = openDriver(database(folder));
  const [cells = []] = db.prepare(`SELECT ${runTable.sealed("")} FROM runs`).all([]);
  expect(cells).toEqual([]);
  const made = run(runId(1), taskId(1), { heldBy: "" }) as unknown as OtherRun;
  const values = otherRuns.insertValues({
    ...made,
    holder: "",
    colour: "red",
    shade: 1,
    outcome: "",
    model: null,
  });
  db.prepare(otherRuns.insert).run(otherRuns.sealInserted(values));
  db.close();

  const damaged = {
    reason: "STORE_DAMAGED",
    message: expect.stringMatching(/row run-0001 of table runs is laid out/),
  };
  await expect(store.load({ runs: [runId(1)] })).rejects.toMatchObject(damaged);
  expect(await store.failed).toMatchObject(damaged);
  await expect(store.load({ wholeTasks: [taskId(1)] })).rejects.toMatchObject(damaged);
  await store.close();
});

test("each layout has a number of its own, and it is in the file from the first row that is laid out by it", async () => {
  const tables = Object.values(rowTables);
  expect(new Set(tables.map(({ layout }) => layout.id)).size).toBe(tables.length);
  const folder = join(root, `${++folders}`);
  const store = opened(folder);
  await store.boot();
  const moved = task(taskId(1), { revision: 2 });
  await expect(store.commit(commit({ tasks: [moved] }))).rejects.toMatchObject({ code: "conflict" });
  const layouts = () => {
    const db = openDriver(database(folder));
    const rows = layoutRows(db);
    db.close();
    return rows.map(([, name]) => name);
  };
  expect(layouts()).toEqual([]);
  await store.commit(commit({ tasks: [task(taskId(1))] }));
  expect(layouts().toSorted()).toEqual(
    Object.values(rowTables)
      .map(({ name }) => name)
      .toSorted(),
  );
  await store.close();
  expect(migrations.length).toBeGreaterThanOrEqual(5);
});
