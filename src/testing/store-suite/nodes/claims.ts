import { readyStep } from "#domain/task/step";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { commit, deadline, lane, step, task, taskId } from "../../rows.js";
import type { SharedSuite } from "./kit.js";

const [id, other, another] = [taskId(1), taskId(2), taskId(3)];

/** What one process is about to do, the other one is not given. */
export function claimTests({ test, expect, two }: SharedSuite): void {
  test("a ready Step is given to one process, again to the same, and to the other when the claim has lapsed", () =>
    two(async ({ a, b, pass }) => {
      const steps = [step(id, { rank: 1 }), step(other, { rank: 2 }), step(another, { rank: 3 })];
      await a.commit(commit({ tasks: [task(id), task(other), task(another)], steps, lanesAdded: [lane] }));
      const [one, two, three] = steps.map(readyStep);

      expect(await a.ready(lane.key, 2)).toEqual([one, two]);
      expect(await b.ready(lane.key, 2)).toEqual([three]);
      expect(await a.ready(lane.key, 3)).toEqual([one, two]);
      await pass(limits.claimLease + 1);
      expect(await b.ready(lane.key, 2)).toEqual([one, two]);
    }));

  test("a Step that is written is no longer claimed", () =>
    two(async ({ a, b }) => {
      await a.commit(commit({ tasks: [task(id)], steps: [step(id)], lanesAdded: [lane] }));
      await a.ready(lane.key, 1);
      await a.commit(commit({ steps: [step(id, { revision: 2, state: "in_progress" })] }));
      expect(await b.ready(lane.key, 1)).toEqual([]);
      const again = step(id, { revision: 3 });
      await a.commit(commit({ steps: [again] }));
      expect(await b.ready(lane.key, 1)).toEqual([readyStep(again)]);
    }));

  test("two processes that ask at the same time are given different Steps, and all of them", () =>
    two(async ({ a, b }) => {
      const ids = Array.from({ length: 20 }, (_, i) => taskId(i + 1));
      await a.commit(commit({ tasks: ids.map((each) => task(each)), steps: ids.map((each) => step(each)) }));
      const given = await Promise.all([a.ready(lane.key, 20), b.ready(lane.key, 20)]);
      const rest = [...(await a.ready(lane.key, 20)), ...(await b.ready(lane.key, 20))];
      const seen = given.flat().map(({ taskId }) => taskId);
      expect(new Set(seen).size).toBe(seen.length);
      expect(rest.map(({ taskId }) => taskId).toSorted()).toEqual(ids);
    }));

  test("a deadline is given to one process, and to the other when the claim has lapsed or it was set anew", () =>
    two(async ({ a, b, pass }) => {
      const due = [deadline(id, 100), deadline(other, 100), deadline(another, 100, "start")];
      await a.commit(commit({ tasks: [task(id), task(other), task(another)], deadlines: due }));

      expect(await a.due(instant(100), 10)).toEqual(due);
      expect(await a.due(instant(100), 10)).toEqual(due);
      expect(await b.due(instant(100), 10)).toEqual([]);
      expect([await a.nextDueAt(), await b.nextDueAt()]).toEqual([100, undefined]);
      await a.commit(commit({ deadlines: [deadline(id, 200)] }));
      expect([await b.nextDueAt(), await b.due(instant(200), 10)]).toEqual([200, [deadline(id, 200)]]);
      await pass(limits.claimLease + 1);
      expect(await b.due(instant(200), 10)).toEqual([deadline(other, 100), deadline(id, 200), due[2]]);
    }));
}

/** A lane is there as long as a Step waits in it, whoever removes it. */
export function laneTests({ test, expect, two }: SharedSuite): void {
  test("a lane in which the other process has put a Step is not removed", () =>
    two(async ({ a, b }) => {
      await a.commit(commit({ tasks: [task(id)], lanesAdded: [lane] }));
      await b.commit(commit({ steps: [step(id)] }));
      await a.commit(commit({ lanesRemoved: [lane.key] }));
      expect((await b.boot()).lanes).toEqual([lane]);

      await b.commit(commit({ steps: [step(id, { revision: 2, state: "in_progress" })] }));
      await a.commit(commit({ lanesRemoved: [lane.key] }));
      expect((await b.boot()).lanes).toEqual([]);
    }));

  test("a Step is put in a lane that the other process has removed, and the lane is there again", () =>
    two(async ({ a, b }) => {
      await a.commit(commit({ tasks: [task(id)], lanesAdded: [lane] }));
      await a.commit(commit({ lanesRemoved: [lane.key] }));
      await b.commit(commit({ steps: [step(id)] }));
      expect((await a.boot()).lanes).toEqual([lane]);
    }));

  test("a lane that is removed while a Step is put in it is there", () =>
    two(async ({ a, b }) => {
      for (let i = 1; i <= 10; i++) {
        await a.commit(commit({ tasks: [task(taskId(i))], lanesAdded: [lane] }));
        await Promise.all([
          a.commit(commit({ lanesRemoved: [lane.key] })),
          b.commit(commit({ steps: [step(taskId(i))] })),
        ]);
        expect((await a.boot()).lanes).toEqual([lane]);
        await b.commit(commit({ steps: [step(taskId(i), { revision: 2, state: "in_progress" })] }));
        await b.commit(commit({ lanesRemoved: [lane.key] }));
      }
    }));
}
