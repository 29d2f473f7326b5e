import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { stepStates } from "#domain/task/step";
import { failureStrategies } from "#domain/template/template";
import { openDriver } from "#stores/sqlite/driver";
import { sqliteStore } from "#stores/sqlite/index";
import { auditGraph, auditGraphSql } from "#testing/audit";
import { commit, step, stepSpec, task, taskId } from "#testing/rows";

const root = mkdtempSync(join(tmpdir(), "taskrun-audit-"));
afterAll(() => rmSync(root, { recursive: true }));
const id = taskId(1);

test("a graph whose rows agree is faultless; a Step whose failure is passed over lets others go on", () => {
  const member = { group: "b", index: 0, concurrency: 1, failure: "isolate" } as const;
  const steps = [
    step(id, { name: "a", state: "complete", dependants: ["c"] }),
    step(id, { name: "b", state: "error", dependants: ["c", "d"], spec: stepSpec({ member }) }),
    step(id, { name: "c", dependsOn: ["a", "b"], dependants: ["d"] }),
    step(id, { name: "d", state: "pending", dependsOn: ["c", "b"], unsatisfied: 1 }),
    step(id, { name: "e", state: "cancelled", dependsOn: [], unsatisfied: 3 }),
  ];
  const counts = { complete: 1, error: 1, enqueued: 1, pending: 1, cancelled: 1 };

  expect(auditGraph(steps, [task(id, { counts })])).toEqual([]);
});

test("every disagreement is a sentence", () => {
  const steps = [
    step(id, { name: "a", state: "error", dependants: ["b", "c", "gone"] }),
    step(id, { name: "b", state: "pending", dependsOn: ["a", "a", "c"], unsatisfied: 2 }),
    step(id, { name: "c", dependants: ["b", "b"], unsatisfied: -1 }),
  ];

  expect(auditGraph(steps, [task(id, { counts: { enqueued: 2, error: 1 } })])).toEqual([
    "task-0001 counts 0 pending, but has 1",
    "task-0001 counts 2 enqueued, but has 1",
    "task-0001/a names c as a dependant, which does not depend on it",
    "task-0001/a names gone as a dependant, which does not depend on it",
    "task-0001/b depends on a more than once",
    "task-0001/b waits for 2, but 3 it depends on are not done",
    "task-0001/c names b as a dependant more than once",
    "task-0001/c waits for -1, but 0 it depends on are not done",
  ]);
});

const names = ["a", "b", "c", "d"];
const someNames = fc.array(fc.constantFrom(...names, "gone"), { maxLength: 3 });
const drawnStep = fc.record({
  state: fc.constantFrom(...stepStates),
  failure: fc.option(fc.constantFrom(...failureStrategies)),
  unsatisfied: fc.integer({ min: 0, max: 2 }),
  dependsOn: someNames,
  dependants: someNames,
});
const drawnTask = fc.record({
  steps: fc.array(drawnStep, { maxLength: names.length }),
  counts: fc.dictionary(fc.constantFrom(...stepStates), fc.integer({ min: 0, max: 2 }), { maxKeys: 3 }),
});

test("the query over a file finds what the audit of its rows finds", async () => {
  let files = 0;
  const agree = async (drawn: readonly { steps: readonly Drawn[]; counts: Record<string, number> }[]) => {
    const path = join(root, `${++files}.db`);
    const tasks = drawn.map(({ counts }, i) => task(taskId(i), { counts }));
    const steps = drawn.flatMap((family, i) =>
      family.steps.map(({ failure, ...part }, n) => {
        const member = failure && { group: "g", index: n, concurrency: 1, failure };
        const spec = stepSpec(member ? { member } : {});
        return step(taskId(i), { ...part, name: names[n] ?? "", spec });
      }),
    );
    const store = sqliteStore({ path, threads: false, reserveBytes: 0 });
    await store.boot();
    await store.commit(commit({ tasks, steps }));
    await store.close();

    const db = openDriver(path);
    const found = db
      .prepare(auditGraphSql)
      .all([])
      .map(([finding]) => finding);
    db.close();
    expect(found).toEqual(auditGraph(steps, tasks));
  };
  type Drawn = typeof drawnStep extends fc.Arbitrary<infer Step> ? Step : never;

  await fc.assert(fc.asyncProperty(fc.array(drawnTask, { maxLength: 2 }), agree), { numRuns: 40 });
});
