import { commit, ended, line, loaded, run, runId, spec, step, task, taskId } from "../rows.js";
import { nowAndAfterRestart, type Suite } from "./kit.js";

const [a, b] = [taskId(1), taskId(2)];
const key = { taskId: a, stepName: "main" };
const row = { ...ended(task(a, { counts: { complete: 1 }, hasRun: true }), 100), revision: 7 };
const done = step(a, { revision: 5, state: "complete", attempts: 2, hasInput: true });
const runs = [1, 2].map((n) =>
  run(runId(n), a, { revision: 4, status: n === 1 ? "FAILED" : "COMPLETED", heldBy: "", fence: n }),
);

/** Rows of ended Tasks that another store has had. */
export function importTests({ test, expect, use }: Suite): void {
  test("rows are imported with the revisions that they had, and their texts and logs as they were", () =>
    use(async (store, reopen) => {
      await store.commit(
        commit({
          imports: true,
          tasks: [row],
          steps: [done],
          runs,
          inputs: [{ taskId: a, json: '{"a": 1.10}' }],
          stepInputs: [{ ...key, json: "[1]" }],
          outputs: [{ ...key, json: '"\\u00e9"' }],
          log: [{ taskId: a, entries: [line("one"), line("two")] }],
        }),
      );
      // The rest of a long log comes in commits of its own.
      await store.commit(commit({ imports: true, log: [{ taskId: a, entries: [line("three")] }] }));
      await nowAndAfterRestart(store, reopen, async (opened) => {
        const { reads } = opened;
        expect(await reads.task(a)).toEqual({ task: row, input: '{"a": 1.10}', steps: [done], runs });
        expect(await reads.stepInput(key)).toBe("[1]");
        expect(await reads.output(key)).toBe('"\\u00e9"');
        const entries = [line("one"), line("two"), line("three")];
        expect(await reads.log(a, 0, 1_000_000)).toEqual({ firstSeq: 1, entries });
        expect(await reads.logBounds(a)).toEqual({ earliest: 1, last: 3 });
      });
    }));

  test("a row that is there already refuses an import, and nothing of it is written", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(a)] }));
      for (const imported of [row, { ...row, revision: 2 }, { ...row, revision: 1 }]) {
        const other = { ...row, id: b };
        const twice = store.commit(commit({ imports: true, tasks: [other, imported] }));
        await expect(twice).rejects.toMatchObject({ code: "conflict" });
      }
      expect(await store.load({ wholeTasks: [a, b] })).toEqual(loaded({ tasks: [task(a)] }));
    }));

  test("an import takes no idempotency key that another Task has, and may come without its own", () =>
    use(async (store) => {
      const keyed = spec({ idempotencyKey: "k" });
      await store.commit(commit({ tasks: [task(b, { spec: keyed })] }));
      const imported = { ...row, spec: keyed };
      await expect(store.commit(commit({ imports: true, tasks: [imported] }))).rejects.toMatchObject({
        code: "conflict",
      });
      await store.commit(commit({ imports: true, tasks: [{ ...imported, ownsKey: false }] }));
      const { tasks } = await store.load({ keys: [{ namespace: "default", key: "k" }] });
      expect(tasks.map(({ id }) => id)).toEqual([b]);
    }));
}
