import { laneOf } from "#domain/task/lane";
import { readyStep } from "#domain/task/step";
import { instant } from "#domain/time/time";
import { commit, deadline, lane, step, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

const [a, b, c] = [taskId(1), taskId(2), taskId(3)];

/** Ready Steps, lanes and deadlines. */
export function backlogTests(suite: Suite): void {
  const { test, expect, use } = suite;
  test("ready Steps come by rank, then Task, then name, up to the limit", () =>
    use(async (store) => {
      const steps = [
        step(c, { rank: -5 }),
        step(b, { name: "y", rank: 3 }),
        step(b, { name: "x", rank: 3 }),
        step(a, { rank: 3 }),
        step(a, { name: "late", rank: 4 }),
      ];
      await store.commit(commit({ tasks: [task(a), task(b), task(c)], steps }));

      const [first, y, x, main, late] = steps.map(readyStep);
      expect(await store.ready(lane.key, 10)).toEqual([first, main, x, y, late]);
      expect(await store.ready(lane.key, 2)).toEqual([first, main]);
      expect(await store.ready("another", 10)).toEqual([]);
    }));

  test("a Step is ready only while it is enqueued", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(a)], steps: [step(a)] }));
      await store.commit(commit({ steps: [step(a, { revision: 2, state: "in_progress" })] }));
      expect(await store.ready(lane.key, 10)).toEqual([]);

      const again = step(a, { revision: 3, rank: 7, avoidUntil: instant(9), lane: "another" });
      await store.commit(commit({ steps: [again] }));
      expect(await store.ready(lane.key, 10)).toEqual([]);
      expect(await store.ready("another", 10)).toEqual([readyStep(again)]);
    }));

  test("a lane is there from its adding to its removal, and once however often it is added", () =>
    use(async (store, reopen) => {
      const second = laneOf("n2", "echo", { gpu: "a", zone: 'b"' });
      await store.commit(commit({ lanesAdded: [lane, second] }));
      await store.commit(commit({ lanesAdded: [second], lanesRemoved: [lane.key, "unknown"] }));
      const again = await reopen();
      expect((await again.boot()).lanes).toEqual([second]);

      await again.commit(commit({ lanesAdded: [second], lanesRemoved: [second.key] }));
      expect((await (await reopen()).boot()).lanes).toEqual([second]);
    }));

  deadlineTests(suite);
}

function deadlineTests({ test, expect, use }: Suite): void {
  test("deadlines fall due in their order, and stay until they are removed", () =>
    use(async (store) => {
      const start = deadline(a, 300, "start", "main");
      const timeout = deadline(a, 100);
      const retry = deadline(b, 100, "retry", "main");
      await store.commit(commit({ tasks: [task(a), task(b)], deadlines: [start, retry, timeout] }));

      expect(await store.nextDueAt()).toBe(100);
      expect(await store.due(instant(99), 10)).toEqual([]);
      expect(await store.due(instant(100), 10)).toEqual([timeout, retry]);
      expect(await store.due(instant(300), 10)).toEqual([timeout, retry, start]);
      expect(await store.due(instant(300), 1)).toEqual([timeout]);
    }));

  test("starts come after all else that is due, and have a quarter of the room at least", () =>
    use(async (store) => {
      const starts = [1, 2, 3, 4].map((at) => deadline(a, at, "start", `s${at}`));
      const timers = [11, 12, 13, 14, 15].map((at) => deadline(a, at, "timer", `t${at}`));
      await store.commit(commit({ tasks: [task(a)], deadlines: [...starts, ...timers] }));

      expect(await store.due(instant(20), 4)).toEqual([...timers.slice(0, 4), starts[0]]);
      expect(await store.due(instant(20), 8)).toEqual([...timers, ...starts.slice(0, 3)]);
      expect(await store.due(instant(10), 3)).toEqual(starts.slice(0, 3));
    }));

  test("a deadline replaces the one of the same Task, Step and kind; at 0 it removes it", () =>
    use(async (store) => {
      const kept = deadline(a, 500, "start");
      await store.commit(commit({ tasks: [task(a)], deadlines: [deadline(a, 100), kept] }));
      await store.commit(commit({ deadlines: [deadline(a, 600)] }));
      expect(await store.due(instant(1_000), 10)).toEqual([deadline(a, 600), kept]);

      await store.commit(commit({ deadlines: [deadline(a, 0), deadline(b, 0)] }));
      expect(await store.due(instant(1_000), 10)).toEqual([kept]);
      await store.commit(commit({ deadlines: [deadline(a, 0, "start")] }));
      expect(await store.nextDueAt()).toBe(undefined);
    }));
}
