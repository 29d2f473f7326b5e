import { commit, line, run, runId, step, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

const id = taskId(1);
const other = taskId(2);

/** Rows that a commit rests on without writing them, and what a refusal names. */
export function restsOnTests({ test, expect, use }: Suite): void {
  test("a refused commit names every row of it that has moved, and no other", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(id)], steps: [step(id)], runs: [run(runId(1), id)] }));
      await store.commit(commit({ tasks: [task(id, { revision: 2 })] }));

      const late = commit({
        tasks: [task(id, { revision: 2 }), task(other)],
        steps: [step(id, { revision: 2 }), step(other)],
        runs: [run(runId(1), id), run(runId(2), id, { revision: 4 })],
      });
      await expect(store.commit(late)).rejects.toMatchObject({
        code: "conflict",
        moved: [
          { kind: "tasks", id, revision: 1 },
          { kind: "runs", id: runId(1), revision: 0 },
          { kind: "runs", id: runId(2), revision: 3 },
        ],
      });
    }));

  test("a commit is refused if a row that it only read has moved, and written if none has", () =>
    use(async (store) => {
      const rows = { tasks: [task(id), task(other)], steps: [step(other)], runs: [run(runId(1), other)] };
      await store.commit(commit(rows));
      const read = [
        { kind: "tasks", id: other, revision: 1 },
        { kind: "steps", id: `${other}/main`, revision: 1 },
        { kind: "runs", id: runId(1), revision: 1 },
      ] as const;
      const log = [{ taskId: id, entries: [line("it rests on them")] }];
      await store.commit(commit({ read, log }));

      await store.commit(commit({ steps: [step(other, { revision: 2 })] }));
      const skewed = store.commit(commit({ read, tasks: [task(id, { revision: 2 })], log }));
      await expect(skewed).rejects.toMatchObject({ code: "conflict", moved: [read[1]] });
      const gone = [{ kind: "tasks", id: taskId(9), revision: 1 }] as const;
      await expect(store.commit(commit({ read: gone, log }))).rejects.toMatchObject({ moved: gone });
      expect(await store.reads.logBounds(id)).toEqual({ earliest: 1, last: 1 });
    }));

  test("a shared store writes what is sent twice under one id once, and answers as it did before", () =>
    use(async (store) => {
      if (!store.shared) return;
      await store.commit(commit({ tasks: [task(id)] }));
      const turn = commit({ log: [{ taskId: id, entries: [line("one"), line("two")] }] });
      expect(await store.commit(turn)).toEqual({ firstSeqs: [1] });
      expect(await store.commit(turn)).toEqual({ firstSeqs: [1] });
      expect(await store.reads.logBounds(id)).toEqual({ earliest: 1, last: 2 });
    }));
}
