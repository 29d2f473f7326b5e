import { instant, millis } from "#domain/time/time";
import type { Store } from "#ports/store";
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
  template,
} from "../rows.js";
import type { Suite } from "./kit.js";

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

      expect(await store.load({ runs: [runId(1)], inputs: [id] })).toEqual(
        loaded({ ...rows, inputs: new Map([[id, '{"n":1}']]) }),
      );
      expect(await store.reads.run(runId(1))).toEqual(rows.runs[0]);
      expect(await store.reads.task(id)).toEqual({
        task: task(id),
        input: '{"n":1}',
        steps: rows.steps,
        runs: rows.runs,
      });
      expect(await store.reads.input(id)).toBe('{"n":1}');
      expect(await store.reads.input(other)).toBe(undefined);
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
        stepInputs: [{ taskId: id, stepName: "main", json: "1" }],
        templates: [template("etl", "1.0.0")],
        log: [{ taskId: id, entries: [line("lost")] }],
        deadlines: [deadline(id, 1)],
        lanesAdded: [lane],
      });

      await expect(store.commit(late)).rejects.toMatchObject({ code: "conflict" });
      const main = [{ taskId: id, stepName: "main" }];
      const needs = { wholeTasks: [id, other], runs: [runId(1)], stepInputs: main };
      expect(await store.load(needs)).toEqual(loaded({ tasks: [task(id)], steps: [step(id)] }));
      expect(await store.reads.template(template("etl", "1.0.0"))).toBe(undefined);
      expect((await store.reads.task(id))?.input).toBe("{}");
      expect(await store.reads.output({ taskId: id, stepName: "main" })).toBe(undefined);
      expect(await store.reads.logBounds(id)).toEqual({ earliest: 1, last: 0 });
      const booted = await (await reopen()).boot();
      // Where several processes write, the lane of a Step that waits is there.
      expect(booted).toMatchObject({ lanes: store.shared ? [lane] : [], nextDueAt: undefined });
      if (!store.shared) expect(booted.at).toBe(5_000);
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
      const dispatchStep = { ...failed, revision: 3, heldBy: "" } as const;
      await store.commit(commit({ runs: [dispatchStep] }));
      expect(await store.load({ runs: [runId(1)] })).toMatchObject({ tasks: [done], runs: [dispatchStep] });
    }));
}

/** Who holds an idempotency key. */
export function keyTests({ test, expect, use }: Suite): void {
  test("two Tasks cannot hold one idempotency key, unless their namespaces differ", () =>
    use(async (store) => {
      const keyed = spec({ idempotencyKey: "k" });
      await store.commit(commit({ tasks: [task(id, { spec: keyed })] }));
      const same = store.commit(commit({ tasks: [task(other, { spec: keyed })] }));

      await expect(same).rejects.toMatchObject({ code: "conflict" });
      await store.commit(commit({ tasks: [task(other, { spec: keyed, namespace: "elsewhere" })] }));
    }));

  test("one commit lets a key go and gives it to another Task, in whichever order they stand", () =>
    use(async (store, reopen) => {
      const keyed = spec({ idempotencyKey: "k", keyFor: millis(9) });
      const owner = async (opened: Store) => {
        const found = await opened.load({ keys: [{ namespace: "default", key: "k" }] });
        return found.tasks.map((row) => row.id);
      };
      const first = task(id, { spec: keyed });
      await store.commit(commit({ tasks: [first] }));
      await store.commit(
        commit({ tasks: [task(other, { spec: keyed }), { ...first, revision: 2, ownsKey: false }] }),
      );
      expect(await owner(store)).toEqual([other]);

      const second = task(other, { spec: keyed, revision: 2, ownsKey: false });
      const third = task(taskId(3), { spec: keyed });
      await store.commit(commit({ tasks: [second, third] }));
      const again = await reopen();
      await again.boot();
      expect(await owner(again)).toEqual([third.id]);
      const taken = again.commit(commit({ tasks: [task(taskId(4), { spec: keyed })] }));
      await expect(taken).rejects.toMatchObject({ code: "conflict" });
    }));

  test("a Task that let its key go is still there, and its removal leaves the key to its holder", () =>
    use(async (store) => {
      const keyed = spec({ idempotencyKey: "k" });
      const first = task(id, { spec: keyed });
      await store.commit(commit({ tasks: [first] }));
      const released = { ...ended(first, 100), ownsKey: false };
      await store.commit(commit({ tasks: [released, task(other, { spec: keyed })] }));
      expect((await store.load({ wholeTasks: [id] })).tasks).toEqual([released]);

      expect(await store.removeFinished(instant(1_000), 1)).toEqual([id]);
      const found = await store.load({ keys: [{ namespace: "default", key: "k" }] });
      expect(found.tasks).toEqual([task(other, { spec: keyed })]);
    }));
}
