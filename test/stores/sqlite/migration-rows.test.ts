import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { WorkerId } from "#domain/id";
import { newStep } from "#domain/task/step";
import { instant } from "#domain/time/time";
import { type Driver, openDriver } from "#stores/sqlite/driver";
import { sqliteStore } from "#stores/sqlite/index";
import { migrations } from "#stores/sqlite/migrations/index";
import { commit, line, run, runId, sessionId, spec, step, stepSpec, task, taskId } from "#testing/rows";

const root = mkdtempSync(join(tmpdir(), "taskrun-migration-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A row in a table of one column for each field, as the first two versions had. */
function insert(db: Driver, table: string, row: Readonly<Record<string, unknown>>): void {
  const values = Object.values(row).map((value) => {
    if (typeof value === "boolean") return Number(value);
    return typeof value === "string" || typeof value === "number" ? value : JSON.stringify(value);
  });
  const columns = Object.keys(row).map((field) =>
    field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );
  const places = columns.map(() => "?").join(", ");
  db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`).run(values);
}

test("no field of a row is lost or mistaken for another when they come to lie together", async () => {
  const [parent, id] = [taskId(1), taskId(2)];
  const labels = { 'a "b"': "c" };
  const tasks = [
    task(parent, { counts: {} }),
    task(id, {
      namespace: "other",
      revision: 7,
      state: "complete",
      counts: { complete: 2, error: 1 },
      hasRun: true,
      spec: spec({ labels, idempotencyKey: "k" }),
      createdAt: instant(11),
      finishedAt: instant(12),
      reason: "STEP_FAILED",
      errorMessage: 'it\'s "late"\n',
      tolerated: 2,
      isolated: 1,
      opened: { b: 3 },
      ownsKey: false,
      compensatedBy: taskId(3),
    }),
  ];
  const steps = [
    newStep({
      taskId: id,
      name: "b",
      revision: 4,
      state: "complete",
      agentName: "x",
      spec: stepSpec({ config: { n: [1] } }),
      dependsOn: ["a"],
      dependants: ["c", "d"],
      members: ["b-1"],
      unsatisfied: 21,
      fence: 22,
      attempts: 23,
      maxAttempts: 24,
      declines: 25,
      avoidWorker: "w2" as WorkerId,
      avoidUntil: instant(26),
      lane: "l",
      rank: -27,
      nextAttemptAt: instant(28),
      runId: runId(9),
      outputBytes: 29,
      errorMessage: "é\u0000",
      hasInput: true,
      signalled: false,
      childId: taskId(4),
      startedAt: instant(30),
      finishedAt: instant(31),
      order: 32,
    }),
    step(id, { name: "a", signalled: true }),
  ];
  const backend = {
    provider: "p",
    modelName: "m",
    contextWindow: 1,
    supportsStreaming: true,
    modalities: ["text"],
    tools: [],
    metadata: labels,
  };
  const runs = [
    run(runId(1), id, {
      stepName: "b",
      namespace: "other",
      revision: 3,
      status: "FAILED",
      heldBy: sessionId("s1"),
      session: sessionId("s2"),
      principal: "p",
      workerId: "w2" as WorkerId,
      instance: "i",
      agentName: "x",
      fence: 41,
      attempt: 42,
      ordinal: 43,
      createdAt: instant(44),
      startedAt: instant(45),
      finishedAt: instant(46),
      reason: "TIMEOUT",
      errorMessage: "e",
      backend,
      nextSeq: 47,
      outputBytes: 48,
    }),
    run(runId(2), parent),
  ];
  const path = join(root, "rows.db");
  const db = openDriver(path);
  db.exec(`PRAGMA foreign_keys = ON; ${migrations.slice(0, 2).join("")}; PRAGMA user_version = 2`);
  for (const {
    inputBytes: _,
    ownsKey: holdsKey,
    compensableBelow: _below,
    hasDeadLetter: _letter,
    ...row
  } of tasks) {
    insert(db, "tasks", {
      ...row,
      holdsKey,
      agentName: "echo",
      idempotencyKey: row.spec.idempotencyKey,
      lastSeq: 3,
    });
  }
  for (const { order, inputBytes: _, inDoubt: _doubt, losses: _losses, maxLosses: _most, ...row } of steps) {
    insert(db, "steps", { ...row, finishedOrder: order });
  }
  for (const { errorDetail: _detail, ...row } of runs) insert(db, "runs", { ...row });
  insert(db, "inputs", { taskId: id, json: "7" });
  insert(db, "outputs", { taskId: id, stepName: "b", json: "8" });
  insert(db, "deadlines", { taskId: id, stepName: "b", kind: "retry", at: 9 });
  insert(db, "log", { taskId: id, firstSeq: 1, count: 3, entries: [line("1"), line("2"), line("3")] });
  db.close();

  const store = sqliteStore({ path, threads: false, reserveBytes: 0 });
  expect((await store.boot()).held).toEqual([...runs].reverse());
  // How large an input is was not kept then, nor how many runs may be lost.
  const unknown = <Row>(row: Row) => ({ ...row, inputBytes: null });
  const [first, second] = tasks.map(unknown);
  expect(await store.reads.task(id)).toEqual({
    task: second,
    input: "7",
    steps: steps.map(unknown).map((row) => ({ ...row, maxLosses: null })),
    runs: [runs[0]],
  });
  expect(await store.reads.task(parent)).toEqual({ task: first, input: "{}", steps: [], runs: [runs[1]] });
  expect(await store.reads.output({ taskId: id, stepName: "b" })).toBe("8");
  expect(await store.due(instant(9), 2)).toEqual([{ taskId: id, stepName: "b", kind: "retry", at: 9 }]);
  expect(await store.reads.logBounds(id)).toEqual({ earliest: 1, last: 3 });
  const more = commit({ log: [{ taskId: id, entries: [line("4")] }] });
  expect(await store.commit(more)).toEqual({ firstSeqs: [4] });
  expect((await store.reads.log(id, 2, 1_000)).entries).toEqual([line("3"), line("4")]);
  await store.close();
});
