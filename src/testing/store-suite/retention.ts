import { instant } from "#domain/time/time";
import {
  commit,
  deadline,
  ended,
  lane,
  line,
  loaded,
  run,
  runId,
  spec,
  step,
  task,
  taskId,
} from "../rows.js";
import type { Suite } from "./kit.js";

const [a, b, c, d] = [taskId(1), taskId(2), taskId(3), taskId(4)];

/** What retention takes, and what it never does. */
export function retentionTests({ test, expect, use }: Suite): void {
  test("the Tasks that finished longest ago go first, a batch at a time, and none of the living", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(a), task(b), task(c), task(d)] }));
      await store.commit(commit({ tasks: [ended(task(a), 300), ended(task(b), 100), ended(task(c), 200)] }));

      expect(await store.removeFinished(instant(100), 10)).toEqual([]);
      expect(await store.removeFinished(instant(300), 1)).toEqual([b]);
      expect(await store.removeFinished(instant(300), 10)).toEqual([c]);
      expect(await store.removeFinished(instant(1_000), 10)).toEqual([a]);
      expect((await store.load({ wholeTasks: [a, b, c, d] })).tasks).toEqual([task(d)]);
    }));

  test("a finished Task stays while a worker holds one of its Runs", () =>
    use(async (store) => {
      const held = run(runId(1), a, { status: "CANCELLED" });
      await store.commit(commit({ tasks: [task(a), task(b)], runs: [held] }));
      await store.commit(commit({ tasks: [ended(task(a), 100), ended(task(b), 200)] }));
      expect(await store.removeFinished(instant(1_000), 1)).toEqual([b]);
      expect(await store.removeFinished(instant(1_000), 1)).toEqual([]);

      await store.commit(commit({ runs: [{ ...held, revision: 2, heldBy: "" }] }));
      expect(await store.removeFinished(instant(1_000), 1)).toEqual([a]);
    }));

  test("all that was a Task's goes with it, and its idempotency key is free", () =>
    use(async (store) => {
      const keyed = task(a, { spec: spec({ idempotencyKey: "k" }) });
      await store.commit(
        commit({
          tasks: [keyed],
          steps: [step(a)],
          runs: [run(runId(1), a, { heldBy: "" })],
          inputs: [{ taskId: a, json: "1" }],
          outputs: [{ taskId: a, stepName: "main", json: "1" }],
          stepInputs: [{ taskId: a, stepName: "main", json: "1" }],
          log: [{ taskId: a, entries: [line("one")] }],
          deadlines: [deadline(a, 50)],
        }),
      );
      await store.commit(commit({ tasks: [ended(keyed, 100)] }));
      expect(await store.removeFinished(instant(1_000), 10)).toEqual([a]);

      const needs = {
        wholeTasks: [a],
        graphs: [a],
        outputs: [{ taskId: a, stepName: "main" }],
        stepInputs: [{ taskId: a, stepName: "main" }],
        steps: [{ taskId: a, stepName: "main" }],
        runs: [runId(1)],
        inputs: [a],
        keys: [{ namespace: "default", key: "k" }],
      };
      expect(await store.load(needs)).toEqual(loaded());
      expect(await store.reads.task(a)).toBe(undefined);
      expect(await store.reads.run(runId(1))).toBe(undefined);
      expect(await store.reads.output({ taskId: a, stepName: "main" })).toBe(undefined);
      expect(await store.reads.log(a, 0, 1_000)).toEqual({ firstSeq: 1, entries: [] });
      expect(await store.reads.logBounds(a)).toBe(undefined);
      expect(await store.ready(lane.key, 10)).toEqual([]);
      expect(await store.nextDueAt()).toBe(undefined);
      await store.commit(commit({ tasks: [task(b, { spec: keyed.spec })] }));
    }));
}

/** What retention takes by rules, and what it does before. */
export function ruledTests({ test, expect, use }: Suite): void {
  test("rules say how old a Task may get, by its namespace, and by how it ended", () =>
    use(async (store) => {
      const [other, failed] = [task(b, { namespace: "b" }), task(c, { namespace: "b" })];
      await store.commit(commit({ tasks: [task(a), other, failed, task(d, { namespace: "c" })] }));
      const tasks = [
        ended(task(a), 100),
        ended(other, 100),
        { ...ended(failed, 100), state: "error" as const },
        ended(task(d, { namespace: "c" }), 100),
      ];
      await store.commit(commit({ tasks }));
      const before = (at: number) => ({ before: instant(at) });
      const rules = [
        { namespace: "b", ...before(50) },
        { namespace: "b", status: "FAILED" as const, ...before(200) },
        { namespace: "c", ...before(100) },
      ];
      expect(await store.removeFinished({ ...before(100), rules }, 10)).toEqual([c]);
      expect(await store.removeFinished({ ...before(101), rules }, 10)).toEqual([a]);
      expect(await store.removeFinished({ ...before(1), rules: [] }, 10)).toEqual([]);
      expect(
        await store.removeFinished({ ...before(1), rules: [{ namespace: "c", ...before(101) }] }, 10),
      ).toEqual([d]);
      expect(await store.removeFinished(instant(101), 10)).toEqual([b]);
    }));

  test("Tasks that rules keep do not hide those behind them", () =>
    use(async (store) => {
      const kept = Array.from({ length: 40 }, (_, i) => task(taskId(10 + i), { namespace: "kept" }));
      await store.commit(commit({ tasks: [...kept, task(a)] }));
      await store.commit(commit({ tasks: [...kept.map((row) => ended(row, 100)), ended(task(a), 200)] }));
      const terms = { before: instant(1_000), rules: [{ namespace: "kept", before: instant(1) }] };
      expect(await store.removeFinished(terms, 2)).toEqual([a]);
      expect(await store.removeFinished(terms, 2)).toEqual([]);
    }));

  test("Tasks are archived before they are removed, and stay if that fails", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(a), task(b)] }));
      await store.commit(commit({ tasks: [ended(task(a), 100)] }));
      const archived: unknown[] = [];
      const failing = store.removeFinished(instant(1_000), 10, () => Promise.reject(new Error("no room")));
      await expect(failing).rejects.toMatchObject({ message: "no room" });
      expect((await store.reads.task(a))?.task.id).toBe(a);
      const removed = await store.removeFinished(instant(1_000), 10, async (ids) => {
        for (const id of ids) archived.push((await store.reads.task(id))?.task.id);
      });
      expect(removed).toEqual([a]);
      expect(archived).toEqual([a]);
      expect(
        await store.removeFinished(instant(1_000), 10, () => Promise.reject(new Error("nothing"))),
      ).toEqual([]);
    }));
}

/** What retention leaves, because another Task may need it. */
export function keptTests({ test, expect, use }: Suite): void {
  test("what the compensation of a Task needs stays until it has ended: the Task, and those below it", () =>
    use(async (store) => {
      const parent = { taskId: a, stepName: "main" };
      const below = task(b, { spec: spec({ parent }) });
      const compensation = task(c, { spec: spec({ compensates: a }) });
      await store.commit(commit({ tasks: [task(a), below, compensation, task(d)] }));
      await store.commit(commit({ tasks: [ended(below, 100), ended(task(d), 150)] }));
      expect(await store.removeFinished(instant(1_000), 10)).toEqual([d]);

      const failed = { ...ended(task(a), 200), compensatedBy: c };
      await store.commit(commit({ tasks: [failed] }));
      expect(await store.removeFinished(instant(1_000), 10)).toEqual([]);
      await store.commit(commit({ tasks: [ended(compensation, 300)] }));
      expect(await store.removeFinished(instant(1_000), 1)).toEqual([a]);
      expect(await store.removeFinished(instant(1_000), 10)).toEqual([b, c]);
    }));

  test("a crowd of Tasks that stay does not hide those behind them", () =>
    use(async (store) => {
      const below = Array.from({ length: 40 }, (_, i) =>
        task(taskId(10 + i), { spec: spec({ parent: { taskId: a, stepName: "main" } }) }),
      );
      await store.commit(commit({ tasks: [task(a), task(b), ...below] }));
      const tasks = [...below.map((row) => ended(row, 100)), ended(task(b), 200)];
      await store.commit(commit({ tasks }));
      expect(await store.removeFinished(instant(1_000), 2)).toEqual([b]);
      expect(await store.removeFinished(instant(1_000), 2)).toEqual([]);
    }));
}
