import type { TaskId } from "#domain/id";
import { beginningAt } from "#domain/id-time";
import { laneOf } from "#domain/task/lane";
import { type Instant, instant, later, millis } from "#domain/time/time";
import type { Store } from "#ports/store";
import { commit, lane, step, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

/** What overviews read: queues, what happened lately, and what failed last. */
export function overviewTests({ test, expect, use }: Suite): void {
  test("a queue tells how many Steps are ready in a lane, and whose come first", () =>
    use(async (store) => {
      const other = laneOf("default", "other", {});
      const ranks = [30, 10, 20, 10];
      const steps = ranks.map((rank, i) =>
        step(taskId(i + 1), { state: "enqueued", lane: (i === 3 ? other : lane).key, rank }),
      );
      await store.commit(
        commit({
          tasks: steps.map(({ taskId: id }) => task(id)),
          steps: [...steps, step(taskId(1), { name: "later", state: "pending" })],
          lanesAdded: [lane, other],
        }),
      );
      const most = { counted: 2, first: 5 };

      expect(await store.reads.queues([other.key, lane.key, "none"], most)).toEqual([
        { lane: other.key, waiting: 1, first: [taskId(4)] },
        { lane: lane.key, waiting: 2, first: [taskId(2), taskId(3), taskId(1)] },
        { lane: "none", waiting: 0, first: [] },
      ]);
      expect(await store.reads.queues([lane.key], { counted: 10, first: 1 })).toEqual([
        { lane: lane.key, waiting: 3, first: [taskId(2)] },
      ]);
      expect(await store.reads.queues([], most)).toEqual([]);
    }));

  test("what happened lately is counted by namespace, and of what has failed the last comes first", () =>
    use(async (store) => {
      const start = instant(1_700_000_000_000);
      const at = (seconds: number) => later(start, millis(seconds * 1_000));
      const ended = { hasRun: true, counts: {} } as const;
      const rows = [
        task(idAt(at(1), 1), { ...ended, state: "error", finishedAt: at(2) }),
        task(idAt(at(2), 2), { ...ended, state: "complete", finishedAt: at(9), namespace: "b" }),
        task(idAt(at(3), 3), { ...ended, state: "error", finishedAt: at(7), namespace: "b" }),
        task(idAt(at(4), 4), { ...ended, state: "resolved_manually", finishedAt: at(8) }),
        task(idAt(at(5), 5), { ...ended, state: "error", finishedAt: at(6) }),
        task(idAt(at(6), 6), { namespace: "b" }),
      ];
      await store.commit(commit({ tasks: rows }));

      await expectLately(store);
      const failed = async (...args: Parameters<Store["reads"]["lastFailed"]>) =>
        (await store.reads.lastFailed(...args)).map(({ id }) => Number(id.slice(-1)));
      expect(await failed("*", 100, 10)).toEqual([3, 5, 1]);
      expect(await failed("*", 100, 2)).toEqual([3, 5]);
      expect(await failed("*", 4, 10)).toEqual([3, 5]);
      expect(await failed(["default"], 100, 10)).toEqual([5, 1]);
      expect(await failed([], 100, 10)).toEqual([]);

      async function expectLately({ reads }: Store): Promise<void> {
        const lately = { created: 4, ended: { FAILED: 2, COMPLETED: 2 }, isCut: false };
        expect(await reads.lately("*", at(3), 100)).toEqual(lately);
        expect(await reads.lately(["b"], at(3), 100)).toEqual({
          created: 2,
          ended: { FAILED: 1, COMPLETED: 1 },
          isCut: false,
        });
        expect(await reads.lately("*", at(3), 3)).toMatchObject({ created: 3, isCut: true });
        expect(await reads.lately("*", at(10), 3)).toEqual({ created: 0, ended: {}, isCut: false });
      }
    }));
}

function idAt(at: Instant, number: number): TaskId {
  return `${beginningAt(at)}-7000-8000-00000000000${number}` as TaskId;
}
