import type { LogEntry } from "#domain/task/log";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import { commit, line, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

const [a, b] = [taskId(1), taskId(2)];

/** The numbering of a Task's log, and reading it from anywhere. */
export function logTests({ test, expect, use }: Suite): void {
  const append = (store: Store, ...entries: readonly LogEntry[]) =>
    store.commit(commit({ log: [{ taskId: a, entries }] }));
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => line(`line ${from + i}`));

  test("each Task's lines are numbered from 1 without gaps, in the order of the commit", () =>
    use(async (store, reopen) => {
      const both = [
        { taskId: b, entries: lines(1, 1) },
        { taskId: a, entries: lines(1, 3) },
      ];
      const first = await store.commit(commit({ tasks: [task(a), task(b)], log: both }));
      expect(first).toEqual({ firstSeqs: [1, 1] });
      expect(await append(store, ...lines(4, 5))).toEqual({ firstSeqs: [4] });

      const refused = store.commit(commit({ tasks: [task(a)], log: [{ taskId: a, entries: lines(6, 6) }] }));
      await expect(refused).rejects.toMatchObject({ code: "conflict" });
      expect(await append(store, ...lines(6, 6))).toEqual({ firstSeqs: [6] });

      const again = await reopen();
      await again.boot();
      expect(await append(again, ...lines(7, 7))).toEqual({ firstSeqs: [7] });
      expect(await again.reads.log(a, 0, 1e6)).toEqual({ firstSeq: 1, entries: lines(1, 7) });
      expect(await again.reads.logBounds(a)).toEqual({ earliest: 1, last: 7 });
      expect(await again.reads.logBounds(taskId(9))).toBe(undefined);
    }));

  test("a log is numbered beside the revision: appending moves no row", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(a)] }));
      await append(store, line("one"));

      await store.commit(commit({ tasks: [task(a, { revision: 2 })] }));
      expect(await store.reads.logBounds(a)).toEqual({ earliest: 1, last: 1 });
    }));

  test("a slice begins right after any seq, inside a packed row too", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(a)], log: [{ taskId: a, entries: lines(1, 5) }] }));
      await append(store, ...lines(6, 6));
      await append(store, ...lines(7, 9));

      for (let after = 0; after < 9; after++) {
        const slice = await store.reads.log(a, after, 1e6);
        expect(slice).toEqual({ firstSeq: after + 1, entries: lines(after + 1, 9) });
      }
      for (const after of [9, 10, 100]) {
        expect(await store.reads.log(a, after, 1e6)).toEqual({ firstSeq: after + 1, entries: [] });
      }
      expect(await store.reads.log(b, 0, 1e6)).toEqual({ firstSeq: 1, entries: [] });
    }));

  test("a slice has at least one line, and about as many as were asked for", () =>
    use(async (store) => {
      const chunk = "x".repeat(10_000);
      const many = Array.from({ length: 100 }, (_, i) => line(`${i} ${chunk}`));
      await store.commit(commit({ tasks: [task(a)], log: [{ taskId: a, entries: many }] }));
      await append(store, line("last"));

      const read: LogEntry[] = [];
      const wanted = 100_000;
      while (read.length < 101) {
        const { entries } = await store.reads.log(a, read.length, wanted);
        const bytes = JSON.stringify(entries).length;
        expect(entries.length > 0 && bytes <= wanted + limits.chunkBytes).toBe(true);
        read.push(...entries);
      }
      expect(read).toEqual([...many, line("last")]);
      expect((await store.reads.log(a, 3, 1)).entries.length > 0).toBe(true);
    }));
}
