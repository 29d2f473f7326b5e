import { instant } from "#domain/time";
import type { Suite } from "./store-suite-kit.js";
import {
  commit,
  deadline,
  ended,
  lane,
  line,
  run,
  runId,
  spec,
  step,
  task,
  taskId,
} from "./store-suite-rows.js";

const id = taskId(1);
const other = taskId(2);

/** All of a commit or nothing, revisions, and what never changes. */
export function commitTests({ test, expect, use }: Suite): void {
  test("a commit is seen whole, by turns and by readers", () =>
    use(async (store) => {
      const rows = { tasks: [task(id)], steps: [step(id)], runs: [run(runId(1), id)] };
      const inputs = [{ taskId: id, json: '{"n":1}' }];
      const outputs = [{ taskId: id, stepName: "main", json: "[2]" }];
      await store.commit(
        commit({ ...rows, inputs, outputs, log: [{ taskId: id, entries: [line("hello")] }] }),
      );

      expect(await store.load({ runs: [runId(1)], inputs: [id] })).toEqual({
        ...rows,
        inputs: new Map([[id, '{"n":1}']]),
      });
      expect(await store.reads.task(id)).toEqual({
        task: task(id),
        input: '{"n":1}',
        steps: rows.steps,
        runs: rows.runs,
      });
      expect(await store.reads.output({ taskId: id, stepName: "main" })).toBe("[2]");
      expect(await store.reads.log(id, 0, 1_000)).toEqual({ firstSeq: 1, entries: [line("hello")] });
    }));

  test("a row that has moved refuses the whole commit", () =>
    use(async (store, reopen) => {
      await store.commit(commit({ tasks: [task(id)], steps: [step(id)] }));
      const late = commit({
        at: instant(9_000),
        tasks: [task(id, { revision: 2, state: "steps_in_process" }), task(other)],
        steps: [step(id, { revision: 3 })],
        runs: [run(runId(1), id)],
        inputs: [{ taskId: id, json: "1" }],
        outputs: [{ taskId: id, stepName: "main", json: "1" }],
        log: [{ taskId: id, entries: [line("lost")] }],
        deadlines: [deadline(id, 1)],
        lanesAdded: [lane],
      });

      await expect(store.commit(late)).rejects.toMatchObject({ code: "conflict" });
      expect(await store.load({ wholeTasks: [id, other], runs: [runId(1)] })).toEqual({
        tasks: [task(id)],
        steps: [step(id)],
        runs: [],
        inputs: new Map(),
      });
      expect((await store.reads.task(id))?.input).toBe("{}");
      expect(await store.reads.output({ taskId: id, stepName: "main" })).toBe(undefined);
      expect(await store.reads.logBounds(id)).toEqual({ earliest: 1, last: 0 });
      expect(await (await reopen()).boot()).toMatchObject({ at: 5_000, lanes: [], nextDueAt: undefined });
    }));
}

/** Which rows refuse a commit, each for itself. */
export function revisionTests({ test, expect, use }: Suite): void {
  for (const [what, again] of [
    ["task", { tasks: [task(id)] }],
    ["step", { steps: [step(id)] }],
    ["run", { runs: [run(runId(1), id)] }],
  ] as const) {
    test(`a first revision is refused where there is a ${what}`, () =>
      use(async (store) => {
        await store.commit(commit({ tasks: [task(id)], steps: [step(id)], runs: [run(runId(1), id)] }));

        await expect(store.commit(commit(again))).rejects.toMatchObject({ code: "conflict" });
      }));
  }

  test("a later revision is refused where there is nothing", () =>
    use(async (store) => {
      const moved = store.commit(commit({ tasks: [task(id, { revision: 2 })] }));

      await expect(moved).rejects.toMatchObject({ code: "conflict" });
    }));

  test("two Tasks cannot hold one idempotency key, unless their namespaces differ", () =>
    use(async (store) => {
      const keyed = spec({ idempotencyKey: "k" });
      await store.commit(commit({ tasks: [task(id, { spec: keyed })] }));
      const same = store.commit(commit({ tasks: [task(other, { spec: keyed })] }));

      await expect(same).rejects.toMatchObject({ code: "conflict" });
      await store.commit(commit({ tasks: [task(other, { spec: keyed, namespace: "elsewhere" })] }));
    }));

  test("a terminal state never changes, and an attempt to is a bug that writes nothing", () =>
    use(async (store) => {
      const done = ended(task(id), 6_000);
      const failed = run(runId(1), id, { status: "FAILED", revision: 2 });
      await store.commit(commit({ tasks: [task(id)], runs: [run(runId(1), id)] }));
      await store.commit(commit({ tasks: [done], runs: [failed] }));

      const revived = commit({ tasks: [{ ...done, revision: 3, state: "steps_in_process" }] });
      await expect(store.commit(revived)).rejects.toMatchObject({ name: "InvariantViolation" });
      const completed = commit({ runs: [{ ...failed, revision: 3, status: "COMPLETED" }] });
      await expect(store.commit(completed)).rejects.toMatchObject({ name: "InvariantViolation" });
      const letGo = { ...failed, revision: 3, heldBy: "" } as const;
      await store.commit(commit({ runs: [letGo] }));
      expect(await store.load({ runs: [runId(1)] })).toMatchObject({ tasks: [done], runs: [letGo] });
    }));
}
