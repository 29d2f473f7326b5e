import type { NodeId } from "#domain/id";
import { laneOf } from "#domain/task/lane";
import { instant, millis, NEVER } from "#domain/time/time";
import type { PollQuery } from "#ports/nodes";
import {
  agentRow,
  commit,
  deadline,
  ended,
  lane,
  line,
  run,
  runId,
  step,
  task,
  taskId,
  template,
} from "../../rows.js";
import { first, LEASE, nodeInfo, type SharedSuite, second, third, workerRow } from "./kit.js";

const [id, other, another] = [taskId(1), taskId(2), taskId(3)];

const asked = (node: NodeId, part: Partial<PollQuery> = {}): PollQuery => {
  return { node, since: NEVER, tasks: [], workers: [], ...part };
};

/** What a node is told of what it may have missed. */
export function pollTests({ test, expect, two }: SharedSuite): void {
  test("a poll of an empty store has nothing but the time", () =>
    two(async ({ nodes }) => {
      const joined = await nodes.a.join(nodeInfo(first), LEASE);
      const { now, ...rest } = await nodes.a.poll(asked(first));
      expect(now >= joined.now).toBe(true);
      const none = {
        alone: true,
        tasks: [],
        over: [],
        workers: [],
        dead: [],
        lanes: [],
        nextDueAt: undefined,
        agents: [],
        pauses: [],
      };
      expect(rest).toEqual({ ...none, waiting: new Map(), templates: new Map() });
    }));

  test("a poll says whether another node is there that may hear of something", () =>
    two(async ({ nodes }) => {
      const aloneAre = async () => [
        (await nodes.a.poll(asked(first))).alone,
        (await nodes.b.poll(asked(second))).alone,
      ];
      await nodes.a.join(nodeInfo(first), LEASE);
      expect(await aloneAre()).toEqual([true, false]);
      await nodes.b.join(nodeInfo(second), LEASE);
      expect(await aloneAre()).toEqual([false, false]);
      await nodes.b.drain(second);
      expect(await aloneAre()).toEqual([false, false]);
      await nodes.b.leave(second);
      expect(await aloneAre()).toEqual([true, false]);
      expect(await nodes.a.takeOver(second, first)).toBe(true);
      expect(await aloneAre()).toEqual([true, false]);
    }));

  test("a poll names the Tasks whose log has gone on, and those that have ended", () =>
    two(async ({ a, nodes }) => {
      const log = [id, other, another].map((taskId) => ({ taskId, entries: [line("one"), line("two")] }));
      await a.commit(commit({ tasks: [task(id), task(other), task(another)], log }));
      await a.commit(commit({ tasks: [ended(task(another), 6_000)] }));
      const tasks = [
        { taskId: id, seq: 2 },
        { taskId: other, seq: 1 },
        { taskId: another, seq: 2 },
        { taskId: taskId(8), seq: 0 },
        { taskId: taskId(9), seq: 3 },
      ];
      const polled = await nodes.b.poll(asked(second, { tasks }));
      expect(polled.tasks.toSorted((x, y) => (x.taskId < y.taskId ? -1 : 1))).toEqual([
        { taskId: other, lastSeq: 2, ended: false },
        { taskId: another, lastSeq: 2, ended: true },
        { taskId: taskId(9), lastSeq: 0, ended: false },
      ]);
    }));

  test("a poll names the held Runs of its node that are over, and the workers whose row has changed", () =>
    two(async ({ a, nodes }) => {
      const over = run(runId(2), id, { node: first, status: "CANCELLED" });
      const runs = [
        run(runId(1), id, { node: first }),
        over,
        run(runId(3), id, { node: first, status: "CANCELLED", heldBy: "" }),
        run(runId(4), id, { node: second, status: "CANCELLED" }),
      ];
      const workers = [workerRow("w1", first), workerRow("w2", second)];
      await a.commit(commit({ tasks: [task(id)], runs, workers }));
      await a.commit(commit({ workers: [workerRow("w2", first, { revision: 2, drainReason: "enough" })] }));

      const known = workers.map(({ key, revision }) => ({ key, revision }));
      const polled = await nodes.a.poll(asked(first, { workers: known }));
      expect(polled.over).toEqual([{ runId: over.id, taskId: id, session: over.heldBy }]);
      expect(polled.workers).toMatchObject([{ key: workers[1]?.key, revision: 2, drainReason: "enough" }]);
    }));
}

/** What no process has for itself alone. */
export function sumTests({ test, expect, two }: SharedSuite): void {
  test("a poll has what all processes together have: lanes with ready Steps, the next deadline, counts and agents", () =>
    two(async ({ a, b, nodes }) => {
      const empty = laneOf("n2", "echo", {});
      await nodes.a.join(nodeInfo(first), LEASE);
      await nodes.b.join(nodeInfo(second), LEASE);
      const waits = (each: typeof id) => task(each, { state: "waiting_for_retry" });
      const templates = [
        template("etl", "1.0.0"),
        template("etl", "1.0.1"),
        template("x", "1.0.0", { namespace: "n2" }),
      ];
      await a.commit(
        commit({
          node: first,
          tasks: [waits(id), waits(other)],
          steps: [step(id)],
          lanesAdded: [lane, empty],
          deadlines: [deadline(id, 700), deadline(id, 600, "start")],
          templates,
          agents: [agentRow("early")],
        }),
      );
      const polled = await nodes.b.poll(asked(second));
      expect(polled).toMatchObject({ lanes: [lane], nextDueAt: 600, agents: [agentRow("early")] });
      expect([...polled.waiting, ...polled.templates]).toEqual([
        ["default", 2],
        ["default", 2],
        ["n2", 1],
      ]);

      // The other process counts them down.
      await b.commit(commit({ node: second, tasks: [ended(waits(id), 6_000)], agents: [agentRow("late")] }));
      await b.due(instant(600), 10);
      const later = await nodes.a.poll(asked(first, { since: polled.now }));
      expect([...later.waiting]).toEqual([["default", 1]]);
      expect(later.nextDueAt).toBe(700);
      expect(later.agents.some(({ name }) => name === "late")).toBe(true);
      expect((await a.boot()).waiting).toEqual(new Map([["default", 1]]));
    }));
}

/** Dead nodes, and whose Runs are whose. */
export function ofNodesTests({ test, expect, two }: SharedSuite): void {
  test("a poll names the dead nodes whose Runs nobody looks after", () =>
    two(async ({ a, nodes, pass }) => {
      await nodes.a.join(nodeInfo(first), LEASE);
      await nodes.b.join(nodeInfo(second), millis(2_000));
      await nodes.b.join(nodeInfo(third), millis(1_000));
      const runs = [run(runId(1), id, { node: third }), run(runId(2), id)];
      await a.commit(commit({ tasks: [task(id)], runs }));
      expect((await nodes.a.poll(asked(first))).dead).toEqual([""]);
      await pass(1_001);
      expect((await nodes.a.poll(asked(first))).dead).toEqual(["", third]);
      expect((await nodes.b.poll(asked(third))).dead).toEqual([""]);

      // Taken over: its Runs are in good hands until that one dies, too.
      await nodes.b.takeOver(third, second);
      expect((await nodes.a.poll(asked(first))).dead).toEqual([""]);
      await pass(1_001);
      expect((await nodes.a.poll(asked(first))).dead).toEqual(["", third, second]);
      await nodes.a.takeOver(second, first);
      expect((await nodes.a.poll(asked(first))).dead).toEqual(["", third]);
      await nodes.a.takeOver(third, first);
      // It has not looked after them yet.
      expect((await nodes.a.poll(asked(first))).dead).toEqual(["", third]);
      await a.commit(commit({ runs: [run(runId(1), id, { revision: 2, node: first })] }));
      expect((await nodes.a.poll(asked(first))).dead).toEqual([""]);
    }));

  test("the held Runs of a node are read page by page", () =>
    two(async ({ a, nodes }) => {
      const runs = [1, 2, 3].map((i) => run(runId(i), id, { node: first }));
      const others = [
        run(runId(4), id, { node: first, heldBy: "" }),
        run(runId(5), id),
        run(runId(6), id, { node: second }),
      ];
      await a.commit(commit({ tasks: [task(id)], runs: [...runs, ...others] }));
      expect(await nodes.b.runsOf(first, undefined, 2)).toEqual(runs.slice(0, 2));
      expect(await nodes.b.runsOf(first, runId(2), 2)).toEqual(runs.slice(2));
      expect(await nodes.b.runsOf("", undefined, 2)).toEqual([others[1]]);
    }));
}
