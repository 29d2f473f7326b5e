import type { TaskId } from "#domain/id";
import { FiguresByNamespace, type NamespaceFigures } from "#domain/task/figures";
import { instant } from "#domain/time/time";
import type { Store } from "#ports/store";
import { commit, ended, line, run, runId, step, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

const ids = [1, 2, 3, 4, 5].map(taskId);
const [a, b, c] = ids as [TaskId, TaskId, TaskId];

/** Five Tasks of two namespaces, of which the first three have something. */
async function fill(store: Store): Promise<void> {
  const made = ids.map((id) => task(id, { namespace: id === b ? "n2" : "n1", counts: {} }));
  await store.commit(
    commit({
      tasks: made,
      steps: [step(a), step(a, { name: "more" }), step(b)],
      runs: [run(runId(1), a), run(runId(2), b)],
      inputs: [{ taskId: a, json: '{"a":1}' }],
      stepInputs: [{ taskId: a, stepName: "main", json: "[1]" }],
      outputs: [
        { taskId: a, stepName: "main", json: '"é"' },
        { taskId: b, stepName: "main", json: "2" },
      ],
      log: [{ taskId: c, entries: [line("x".repeat(2_000)), line("two")] }],
    }),
  );
  const [first] = made;
  if (first) await store.commit(commit({ tasks: [ended({ ...first, id: taskId(5) }, 100)] }));
}

async function counted(store: Store, limit: number): Promise<readonly NamespaceFigures[]> {
  const sums = new FiguresByNamespace();
  let after: TaskId | undefined;
  for (let pages = 0; pages < 10; pages += 1) {
    const page = await store.figures?.(after, limit);
    for (const figures of page?.namespaces ?? []) sums.add(figures);
    after = page?.next;
    if (after === undefined) break;
  }
  return sums.list();
}

/** What Tasks take up: counted page by page, by stores that count. */
export function storageTests({ test, expect, use }: Suite): void {
  test("a store that counts tells what the tasks of each namespace take up, in pages of any size", () =>
    use(async (store, reopen) => {
      if (!store.figures) return;
      expect(await store.figures(undefined, 10)).toEqual({ namespaces: [], next: undefined });
      await fill(store);
      const whole = await counted(store, 100);
      expect(
        whole.map(({ namespace, tasks, ended: over, steps, runs }) => [namespace, tasks, over, steps, runs]),
      ).toEqual([
        ["n1", 4, 1, 2, 1],
        ["n2", 1, 0, 1, 1],
      ]);
      const [n1, n2] = whole;
      // As it is stored, which may be packed.
      expect((n1?.inputBytes ?? 0) >= '{"a":1}[1]'.length).toBe(true);
      expect((n1?.resultBytes ?? 0) >= 4).toBe(true);
      expect((n1?.logBytes ?? 0) > 20).toBe(true);
      expect([n2?.inputBytes, n2?.logBytes]).toEqual([0, 0]);
      expect((n2?.resultBytes ?? 0) > 0).toBe(true);
      const again = await reopen();
      await again.boot();
      for (const limit of [1, 2, 5]) expect(await counted(again, limit)).toEqual(await counted(again, 100));
      expect((await again.figures?.(undefined, 2))?.next).toBe(b);
    }));

  test("what is removed is counted no more", () =>
    use(async (store) => {
      if (!store.figures) return;
      await fill(store);
      expect(await store.removeFinished(instant(200), 10)).toEqual([taskId(5)]);
      const [n1] = await counted(store, 2);
      expect([n1?.tasks, n1?.ended]).toEqual([3, 0]);
    }));
}
