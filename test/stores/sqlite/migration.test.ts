import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { DEFAULT_RETRY } from "#domain/task/retry";
import { newStep, stepSummary } from "#domain/task/step";
import { instant, millis } from "#domain/time/time";
import { advanceStep, advanceTask } from "#runtime/machines/lifecycles";
import { openDriver, preferredDriver } from "#stores/sqlite/driver";
import { openChecked } from "#stores/sqlite/file/open";
import { sqliteStore } from "#stores/sqlite/index";
import { migrations } from "#stores/sqlite/migrations/index";
import { auditGraph, auditGraphSql } from "#testing/audit";
import { commit, lane, loaded, run, runId, spec, task, taskId } from "#testing/rows";

const root = mkdtempSync(join(tmpdir(), "taskrun-migration-"));
afterAll(() => rmSync(root, { recursive: true }));

const [running, done] = [taskId(1), taskId(2)];

/** What the first release wrote of a Task: its spec knew nothing of templates. */
const firstSpec = `{"agentName":"echo","priority":2,"timeoutMs":60000,"maxAttempts":3,"labels":{"a":"b"},
  "workerSelector":{},"createdBy":"","correlationId":"","startAt":0,"retryOf":"","idempotencyKey":"k",
  "fingerprint":"f","holdOnFailure":false,"principal":"local"}`;
const firstLog = `[{"type":"chat","at":1,"runId":"run-0001","role":1,"content":"\\"type\\":\\"step\\" 0.10","sentAt":0},
  {"type":"step","at":2,"step":{"name":"main","state":"in_progress","agentName":"echo","attempts":1,
  "maxAttempts":3,"nextAttemptAt":0,"dependsOn":[],"outputBytes":0,"errorMessage":"it's \\"late\\""}}]`;
const firstStep = {
  agent_name: "echo",
  depends_on: "[]",
  unsatisfied: 0,
  fence: 1,
  attempts: 1,
  declines: 0,
};
const noWait = {
  avoid_worker: "",
  avoid_until: 0,
  rank: 0,
  next_attempt_at: 0,
  output_bytes: 0,
  error_message: "",
};
const firstTask = { namespace: "default", has_run: 1, reason: "", error_message: "", created_at: 1000 };

/**
 * A file as the first release left it: one Task in a worker's hands, one that is done.
 *
 * @param left is called while all of it is still in the log
 */
function fileOfFirstRelease(path: string, left = () => {}): void {
  const db = openDriver(path);
  const insert = (table: string, row: Record<string, string | number>) => {
    const columns = Object.keys(row);
    const places = columns.map(() => "?").join(", ");
    db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`).run(Object.values(row));
  };
  db.exec(`PRAGMA journal_mode = WAL; ${migrations[0]}; PRAGMA user_version = 1`);
  insert("tasks", {
    ...firstTask,
    ...{ id: running, revision: 3, state: "steps_in_process", counts: '{"in_progress":1}', finished_at: 0 },
    ...{ last_seq: 2, agent_name: "echo", idempotency_key: "k", spec: firstSpec },
  });
  insert("tasks", {
    ...firstTask,
    ...{ id: done, revision: 5, state: "complete", counts: '{"complete":1}', finished_at: 2000 },
    ...{ agent_name: "echo", idempotency_key: "", spec: firstSpec.replace('"k"', '""') },
  });
  const steps = { ...firstStep, ...noWait, lane: lane.key, name: "main" };
  insert("steps", {
    ...steps,
    task_id: running,
    revision: 2,
    state: "in_progress",
    max_attempts: 3,
    run_id: runId(1),
  });
  insert("steps", {
    ...steps,
    task_id: done,
    revision: 4,
    state: "complete",
    max_attempts: 1,
    run_id: runId(2),
  });
  insert("runs", {
    ...{
      id: runId(1),
      task_id: running,
      step_name: "main",
      namespace: "default",
      revision: 1,
      status: "ASSIGNED",
    },
    ...{
      held_by: "s1",
      session: "s1",
      principal: "local",
      worker_id: "w1",
      instance: "",
      agent_name: "echo",
    },
    ...{ fence: 1, attempt: 1, ordinal: 1, created_at: 2000, started_at: 0, finished_at: 0, reason: "" },
    ...{ error_message: "", backend: "null", next_seq: 0, output_bytes: 0 },
  });
  insert("inputs", { task_id: running, json: '{"n":1}' });
  insert("log", { task_id: running, first_seq: 1, count: 2, entries: firstLog });
  left();
  db.close();
}

test("a file of the first release is brought up to date, and what was running there ends", async () => {
  const path = join(root, "first.db");
  fileOfFirstRelease(path);
  const store = sqliteStore({ path, threads: false, reserveBytes: 0 });
  const boot = await store.boot();
  expect(boot.held).toEqual([run(runId(1), running)]);
  expect(boot.templates).toEqual(new Map());

  const { tasks, steps } = await store.load({
    graphs: [running],
    keys: [{ namespace: "default", key: "k" }],
  });
  const wanted = { priority: 2, timeoutMs: millis(60_000), maxAttempts: 3, labels: { a: "b" } };
  // The first release knew no losses.
  const { maxLosses: _, ...keyed } = spec({ ...wanted, idempotencyKey: "k", fingerprint: "f" });
  const part = { revision: 3, state: "steps_in_process", counts: { in_progress: 1 }, hasRun: true } as const;
  // The first release did not keep how large an input is.
  expect(tasks).toEqual([task(running, { ...part, spec: keyed, inputBytes: null })]);
  const standard = { type: "standard", planned: "main", config: null, retry: DEFAULT_RETRY } as const;
  const main = newStep({
    ...{ taskId: running, name: "main", agentName: "echo", revision: 2, state: "in_progress" },
    ...{ fence: 1, attempts: 1, lane: lane.key, runId: runId(1) },
    spec: { ...standard, maxAttempts: 3, timeoutMs: millis(0) },
    maxLosses: null,
    inputBytes: null,
  });
  expect(steps).toEqual([main]);
  expect(stepSummary(main)).toMatchObject({ losses: 0, maxLosses: 3 });
  expect((await store.reads.task(done))?.steps[0]?.spec).toEqual({ ...main.spec, maxAttempts: 1 });
  expect((await store.reads.log(running, 0, 1e6)).entries).toMatchObject([
    { type: "chat", content: '"type":"step" 0.10' },
    { step: { errorMessage: 'it\'s "late"', type: "standard", startedAt: 0, finishedAt: 0, childId: "" } },
  ]);

  const at = instant(9_000);
  const ended = [
    { type: "succeeded", at, outputBytes: 1 },
    { type: "complete", at, order: 1 },
  ] as const;
  let [row, step] = [tasks[0] ?? task(running), main];
  for (const message of ended) {
    const [next, commands] = advanceStep(step, message);
    step = next;
    for (const ask of commands) if (ask.type === "advanceTask") row = advanceTask(row, ask.params.message)[0];
  }
  const outputs = [{ taskId: running, stepName: "main", json: "1" }];
  await store.commit(
    commit({ tasks: [{ ...row, revision: 4 }], steps: [{ ...step, revision: 3 }], outputs }),
  );

  const shown = await store.reads.task(running);
  expect(shown?.task).toMatchObject({ state: "complete", finishedAt: at, counts: { complete: 1 } });
  expect(shown?.steps).toMatchObject([{ state: "complete", order: 1, finishedAt: at }]);
  expect(auditGraph(shown?.steps ?? [], shown ? [shown.task] : [])).toEqual([]);
  await store.close();
});

test("the query over a file finds nothing wrong with what the first release left, and the tables are up to date", async () => {
  const path = join(root, "twice.db");
  fileOfFirstRelease(path);
  for (const _ of ["first", "second"]) {
    const store = sqliteStore({ path, threads: false, reserveBytes: 0 });
    await store.boot();
    await store.close();
  }

  const db = openDriver(path);
  expect(db.prepare("PRAGMA user_version").all([])).toEqual([[migrations.length]]);
  expect(db.prepare(auditGraphSql).all([])).toEqual([]);
  expect(db.prepare("PRAGMA foreign_key_check").all([])).toEqual([]);
  db.close();
});

test("a key the first release gave is held until it is let go", async () => {
  const path = join(root, "key.db");
  fileOfFirstRelease(path);
  const store = sqliteStore({ path, threads: false, reserveBytes: 0 });
  await store.boot();
  const keyed = task(taskId(3), { spec: spec({ idempotencyKey: "k" }) });
  await expect(store.commit(commit({ tasks: [keyed] }))).rejects.toMatchObject({ code: "conflict" });

  const [first] = (await store.load({ wholeTasks: [running] })).tasks;
  const released = first && { ...first, revision: 4, ownsKey: false };
  await store.commit(commit({ tasks: released ? [keyed, released] : [] }));
  const keys = [{ namespace: "default", key: "k" }];
  expect(await store.load({ keys })).toEqual(loaded({ tasks: [keyed] }));
  await store.close();
});

test("a kill behind the migration of a file whose log has changes of the release before leaves a file that opens", async () => {
  const parts = ["", "-wal", ".head", ".sums"];
  const copyTo = (from: string, to: string) => {
    for (const part of parts) if (existsSync(from + part)) copyFileSync(from + part, to + part);
  };
  const [old, killed, left] = ["old.db", "killed.db", "left.db"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  fileOfFirstRelease(old, () => copyTo(old, killed));
  expect(statSync(`${killed}-wal`).size).toBeGreaterThan(4_096);
  const opened = openChecked(
    { path: killed, driver: preferredDriver(), maxBytes: 0, reserveBytes: 0 },
    () => {},
  );
  copyTo(killed, left);
  opened.close();

  const store = sqliteStore({ path: left, threads: false, reserveBytes: 0 });
  expect((await store.boot()).held).toEqual([run(runId(1), running)]);
  await store.close();
});

test("a released migration never changes, not even in a comment: the file keeps how its tables were defined", () => {
  const digest = (sql: string) => createHash("sha256").update(sql).digest("hex").slice(0, 16);
  expect(migrations.map(digest)).toEqual([
    "1a309ba975a52dce",
    "0e92a0772c261e30",
    "09e0844f6e5a5243",
    "c4555d40e02d1c92",
    "d3dbdbcaed38ed80",
    "e90a0e613de92fec",
    "1b1f2533b6f49f78",
    "b3c28590ccd6b533",
    "37aeca74d350b511",
    "af3713b9cfc6be78",
    "a74a490561182952",
    "eba6991994be6a79",
    "4092f0e22753a337",
    "0c1fa58096899095",
    "ee260c2c2eefe92c",
    "ea8db07c4e0aac40",
  ]);
});
