import { withStatus } from "#domain/task/dead-letter";
import type { RetentionTerms } from "#domain/task/retention";
import { instant } from "#domain/time/time";
import type { DeadLetterFilter, DeadLetterPlace } from "#ports/dead-letters";
import type { Store } from "#ports/store";
import { commit, deadLetter, ended, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

const ids = [taskId(1), taskId(2), taskId(3), taskId(4)] as const;
const [a, b, c, d] = ids;

/** Four Tasks that need a person, or needed one. */
async function someLetters(store: Store): Promise<void> {
  const namespaces = ["n1", "n2", "n1", "n3"];
  const tasks = ids.map((id, i) => task(id, { namespace: namespaces[i] ?? "", hasDeadLetter: true }));
  const closed = withStatus(
    deadLetter(d, { namespace: "n3", createdAt: instant(100) }),
    "PERMANENTLY_FAILED",
    "key:op",
    instant(400),
  );
  const letters = [
    deadLetter(a, { namespace: "n1", createdAt: instant(300), rank: -5 }),
    deadLetter(b, { namespace: "n2", createdAt: instant(200), rank: -5, reason: "POISONED" }),
    deadLetter(c, { namespace: "n1", createdAt: instant(300), rank: -9, reason: "STALE" }),
    closed,
  ];
  await store.commit(commit({ tasks, deadLetters: letters }));
}

/** Tasks that need a person: they are written with what they are of, and read by whoever looks after them. */
export function deadLetterTests({ test, expect, use }: Suite): void {
  test("a dead letter is read as it was written, and only in the namespaces asked for", () =>
    use(async (store) => {
      await someLetters(store);
      const { deadLetters } = store.reads;
      const written = deadLetter(a, { namespace: "n1", createdAt: instant(300), rank: -5 });
      expect(await deadLetters.get(a, "*")).toEqual(written);
      expect(await deadLetters.get(a, ["n2", "n1"])).toEqual(written);
      expect(await deadLetters.get(a, ["n2"])).toBe(undefined);
      expect(await deadLetters.get(taskId(9), "*")).toBe(undefined);
      expect((await store.load({ deadLetters: [a, taskId(9)] })).deadLetters).toEqual([written]);
    }));

  test("a list is the newest first, by page, and keeps to what is asked for", () =>
    use(async (store) => {
      await someLetters(store);
      const list = async (filter: DeadLetterFilter, pageSize: number) => {
        const pages: string[][] = [];
        let after: DeadLetterPlace | undefined;
        do {
          const page = await store.reads.deadLetters.list(filter, after, pageSize);
          pages.push(page.letters.map((row) => row.taskId));
          after = page.next;
        } while (after);
        return pages.filter((page) => page.length > 0);
      };
      expect(await list({ namespaces: "*" }, 10)).toEqual([[c, a, b, d]]);
      expect(await list({ namespaces: "*" }, 3)).toEqual([[c, a, b], [d]]);
      expect(await list({ namespaces: ["n1"] }, 1)).toEqual([[c], [a]]);
      expect(await list({ namespaces: "*", statuses: ["PERMANENTLY_FAILED"] }, 10)).toEqual([[d]]);
      expect(await list({ namespaces: "*", statuses: ["PENDING"], reason: "POISONED" }, 10)).toEqual([[b]]);
      expect(await list({ namespaces: "*", statuses: ["PENDING", "PERMANENTLY_FAILED"] }, 3)).toEqual([
        [c, a, b],
        [d],
      ]);
      expect(await list({ namespaces: "*", statuses: ["PERMANENTLY_FAILED", "MOVED_ON"] }, 1)).toEqual([[d]]);
      expect(await list({ namespaces: [] }, 10)).toEqual([]);
    }));

  test("the queue has those that are pending, the most urgent first", () =>
    use(async (store) => {
      await someLetters(store);
      const queue = async (...args: Parameters<Store["reads"]["deadLetters"]["queue"]>) =>
        (await store.reads.deadLetters.queue(...args)).map((row) => row.taskId);
      expect(await queue("*", 10)).toEqual([c, a, b]);
      expect(await queue("*", 1)).toEqual([c]);
      expect(await queue(["n2", "n3"], 10)).toEqual([b]);
    }));

  test("they are counted by reason and status, with the oldest, the newest, and how long they took", () =>
    use(async (store) => {
      await someLetters(store);
      const { counts, isComplete } = await store.reads.deadLetters.count("*", 100);
      expect(isComplete).toBe(true);
      expect(counts.toSorted((x, y) => (x.reason + x.status < y.reason + y.status ? -1 : 1))).toEqual([
        counted("ATTEMPTS_EXHAUSTED", "PENDING", 300, 0),
        counted("ATTEMPTS_EXHAUSTED", "PERMANENTLY_FAILED", 100, 300),
        counted("POISONED", "PENDING", 200, 0),
        counted("STALE", "PENDING", 300, 0),
      ]);
      expect(await store.reads.deadLetters.count(["n2"], 100)).toEqual({
        counts: [counted("POISONED", "PENDING", 200, 0)],
        isComplete: true,
      });
      expect((await store.reads.deadLetters.count("*", 2)).isComplete).toBe(false);
    }));
}

/** How they are written and removed with what they are of. */
export function deadLetterWriteTests({ test, expect, use }: Suite): void {
  test("one that has moved refuses the commit, and nothing of it is written", () =>
    use(async (store) => {
      await someLetters(store);
      const noted = { ...deadLetter(a, { namespace: "n1" }), revision: 2, notes: "one" };
      await store.commit(commit({ deadLetters: [noted] }));
      const other = { ...noted, notes: "two" };
      await expect(
        store.commit(commit({ deadLetters: [other], tasks: [task(taskId(8))] })),
      ).rejects.toMatchObject({ code: "conflict" });
      await expect(
        store.commit(commit({ deadLetters: [deadLetter(a)], tasks: [task(taskId(8))] })),
      ).rejects.toMatchObject({ code: "conflict" });
      expect((await store.reads.deadLetters.get(a, "*"))?.notes).toBe("one");
      expect(await store.reads.task(taskId(8))).toBe(undefined);
    }));

  test("while one is pending its Task stays, if it is not too old; it goes with its Task", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(a), task(b)], deadLetters: [deadLetter(a), deadLetter(b)] }));
      await store.commit(commit({ tasks: [ended(task(a), 100), ended(task(b), 200)] }));
      expect(await store.removeFinished(instant(1_000), 10)).toEqual([]);
      expect(await store.removeFinished(pendingSince(3_000), 10)).toEqual([]);

      const closed = withStatus({ ...deadLetter(a), revision: 2 }, "CANCELLED", "key:op", instant(4_000));
      await store.commit(commit({ deadLetters: [closed] }));
      expect(await store.removeFinished(instant(1_000), 10)).toEqual([a]);
      expect(await store.reads.deadLetters.get(a, "*")).toBe(undefined);
      expect(await store.removeFinished(pendingSince(3_001), 10)).toEqual([b]);
      expect(await store.reads.deadLetters.queue("*", 10)).toEqual([]);
    }));
}

function counted(reason: string, status: string, at: number, closedAfter: number): object {
  return { reason, status, count: 1, oldestAt: at, newestAt: at, closedAfter };
}

/** Terms under which all have finished long enough ago, but for pending dead letters. */
function pendingSince(at: number): RetentionTerms {
  return { before: instant(1_000), rules: [], pendingSince: instant(at) };
}
