import type { WorkerId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
import { workerRowKey } from "#domain/worker/worker-row";
import { commit, run, runId, sessionId, task, taskId } from "../../rows.js";
import { first, LEASE, nodeInfo, type SharedSuite, second, session, third, workerRow } from "./kit.js";

const id = taskId(1);
const isGone = { code: "wrong_state", reason: "NODE_GONE" } as const;

/** Joining, renewing and leaving, and who may write. */
export function leaseTests({ test, expect, two }: SharedSuite): void {
  test("a node has a lease by the clock of the store from when it joins, and renews it", () =>
    two(async ({ nodes, pass }) => {
      const joined = await nodes.a.join(nodeInfo(first), LEASE);
      expect(joined.until).toBe(joined.now + LEASE);
      await pass(1_000);
      const renewed = await nodes.a.renew(first, LEASE, new Map());
      expect(renewed.now >= joined.now && renewed.until === renewed.now + LEASE).toBe(true);
      const again = await nodes.b.join(nodeInfo(first), millis(LEASE + 1));
      expect(again.until).toBe(again.now + LEASE + 1);
      expect((await nodes.b.list()).map((node) => node.id)).toEqual([first]);
    }));

  test("the list says of each node what it is, how it is, and what it has", () =>
    two(async ({ a, nodes, pass }) => {
      await nodes.a.join(nodeInfo(first), millis(1_000));
      await nodes.a.join(nodeInfo(second), LEASE);
      await nodes.b.join(nodeInfo(third), LEASE);
      const workers = [
        workerRow("w1", second),
        workerRow("w2", second, { session: { ...workerRow("w2", second).session, state: "detached" } }),
      ];
      const runs = [run(runId(1), id, { node: second }), run(runId(2), id, { node: second, heldBy: "" })];
      await a.commit(commit({ node: second, tasks: [task(id)], runs, workers }));
      await nodes.a.drain(second);
      await nodes.b.leave(third);
      await pass(1_001);
      const listed = new Map((await nodes.b.list()).map((view) => [view.id, view]));
      expect(listed.get(first)).toMatchObject({ state: "lost", takenBy: "", workers: 0, runs: 0 });
      expect(listed.get(second)).toMatchObject({
        ...nodeInfo(second),
        state: "draining",
        workers: 1,
        runs: 1,
      });
      expect(listed.get(third)).toMatchObject({ state: "left" });
      expect((await nodes.b.list())[0]?.id).toBe(second);
    }));

  test("a commit is refused if its node has left, was taken over or is not known, and nothing of it is written", () =>
    two(async ({ a, b, nodes, pass }) => {
      await expect(a.commit(commit({ node: third, tasks: [task(id)] }))).rejects.toMatchObject(isGone);
      await nodes.a.join(nodeInfo(first), millis(1_000));
      await nodes.b.join(nodeInfo(second), LEASE);
      await a.commit(commit({ node: first, tasks: [task(id)] }));
      await pass(1_001);
      // Nobody has acted yet.
      await a.commit(commit({ node: first, tasks: [task(id, { revision: 2 })] }));
      expect(await nodes.b.takeOver(first, second)).toBe(true);
      const late = a.commit(commit({ node: first, tasks: [task(id, { revision: 3 })] }));
      await expect(late).rejects.toMatchObject(isGone);
      await nodes.b.leave(second);
      const left = b.commit(commit({ node: second, tasks: [task(id, { revision: 3 })] }));
      await expect(left).rejects.toMatchObject(isGone);
      expect((await b.load({ wholeTasks: [id] })).tasks).toMatchObject([{ revision: 2 }]);
    }));
}

/** Who has been gone, and what it wrote before. */
export function goneNodeTests({ test, expect, two }: SharedSuite): void {
  test("what a node has committed is answered again, though it is gone", () =>
    two(async ({ a, nodes }) => {
      await nodes.a.join(nodeInfo(first), LEASE);
      const turn = commit({ node: first, tasks: [task(id)] });
      const answer = await a.commit(turn);
      await nodes.a.leave(first);
      expect(await a.commit(turn)).toEqual(answer);
    }));

  test("a lease that has ended is renewed if nobody has taken over; who is gone stays gone", () =>
    two(async ({ nodes, pass }) => {
      await nodes.a.join(nodeInfo(first), millis(1_000));
      await nodes.b.join(nodeInfo(second), LEASE);
      await pass(1_001);
      await nodes.a.renew(first, millis(1_000), new Map());
      expect(await nodes.b.takeOver(first, second)).toBe(false);
      await pass(1_001);
      expect(await nodes.b.takeOver(first, second)).toBe(true);
      await expect(nodes.a.renew(first, LEASE, new Map())).rejects.toMatchObject(isGone);
      await expect(nodes.a.join(nodeInfo(first), LEASE)).rejects.toMatchObject(isGone);
      await expect(nodes.a.renew(third, LEASE, new Map())).rejects.toMatchObject(isGone);
    }));
}

/** Who takes a node over. */
export function takeOverTests({ test, expect, two }: SharedSuite): void {
  test("a live node is not taken over; one that has left is at once, and by one node only", () =>
    two(async ({ nodes }) => {
      for (const node of [first, second, third]) await nodes.a.join(nodeInfo(node), LEASE);
      expect(await nodes.b.takeOver(first, second)).toBe(false);
      await nodes.a.leave(first);
      const both = await Promise.all([nodes.a.takeOver(first, third), nodes.b.takeOver(first, second)]);
      expect(both.toSorted()).toEqual([false, true]);
      const winner = both[0] ? third : second;
      expect(await nodes.a.takeOver(first, winner)).toBe(true);
      expect((await nodes.a.list()).find((node) => node.id === first)?.takenBy).toBe(winner);
    }));

  test("what a node has taken over another one takes when that one is gone", () =>
    two(async ({ nodes, pass }) => {
      await nodes.a.join(nodeInfo(first), LEASE);
      await nodes.a.join(nodeInfo(second), millis(1_000));
      await nodes.b.join(nodeInfo(third), LEASE);
      await nodes.a.leave(first);
      expect(await nodes.a.takeOver(first, second)).toBe(true);
      expect(await nodes.b.takeOver(first, third)).toBe(false);
      await pass(1_001);
      expect(await nodes.b.takeOver(first, third)).toBe(true);
    }));

  test("Runs without a node, and those of one that is not known, are taken over by anyone who is not gone", () =>
    two(async ({ nodes }) => {
      await nodes.a.join(nodeInfo(first), LEASE);
      expect([await nodes.a.takeOver("", first), await nodes.a.takeOver(third, first)]).toEqual([true, true]);
      await nodes.a.leave(first);
      await expect(nodes.a.takeOver("", first)).rejects.toMatchObject(isGone);
    }));

  test("a commit under way and a take-over come one after the other", () =>
    two(async ({ a, nodes }) => {
      await nodes.b.join(nodeInfo(second), LEASE);
      for (let i = 1; i <= 10; i++) {
        const node = `dying-${i}` as typeof first;
        await nodes.a.join(nodeInfo(node), LEASE);
        await nodes.b.leave(node);
        const turn = commit({ node, tasks: [task(taskId(i))] });
        const refused = a.commit(turn).then(
          () => "written",
          (error: { readonly reason?: string }) => error.reason,
        );
        expect(await Promise.all([refused, nodes.b.takeOver(node, second)])).toEqual(["NODE_GONE", true]);
      }
    }));
}

/** What is removed of nodes and workers. */
export function goneTests({ test, expect, two }: SharedSuite): void {
  test("a node that is gone for long is removed unless a held Run names it, and a worker that is gone, too", () =>
    two(async ({ a, b, nodes, pass }) => {
      for (const node of [first, second]) await nodes.a.join(nodeInfo(node), millis(1_000));
      await nodes.b.join(nodeInfo(third), LEASE);
      const detached = { ...workerRow("w2", third).session, state: "detached" } as const;
      const workers = [
        workerRow("w1", third),
        workerRow("w2", third, { session: detached }),
        workerRow("w3", first),
      ];
      const held = run(runId(1), id, { node: second, heldBy: sessionId("s1") });
      await a.commit(commit({ tasks: [task(id)], runs: [held], workers }));
      expect(await nodes.b.removeGone(millis(10_000), 10)).toBe(0);
      await pass(11_001);
      expect((await nodes.b.removeGone(millis(10_000), 10)) >= 2).toBe(true);
      await nodes.b.removeGone(millis(10_000), 10);

      expect((await nodes.b.list()).map((node) => node.id).toSorted()).toEqual([second, third]);
      const left = await b.load({ workers: workers.map(({ key }) => key) });
      expect(left.workers).toEqual([workers[0]]);
      await expect(nodes.a.renew(first, LEASE, new Map())).rejects.toMatchObject(isGone);
      await b.commit(commit({ runs: [{ ...held, revision: 2, heldBy: "" }] }));
      await nodes.b.removeGone(millis(10_000), 10);
      expect((await nodes.b.list()).map((node) => node.id)).toEqual([third]);
    }));

  test("workers are found by their id, of whichever principal, while they are connected to a live node", () =>
    two(async ({ a, nodes }) => {
      await nodes.a.join(nodeInfo(first), LEASE);
      const of = (principal: string, name: string, state: SessionRow["state"] = "serving") => {
        const workerId = name as WorkerId;
        const info = { ...session("").info, workerId };
        const key = workerRowKey(principal, workerId);
        return workerRow(name, first, {
          key,
          session: session(`${principal} ${name}`, { principal, state, info }),
        });
      };
      const gone = of("key:c", "w1", "detached");
      await a.commit(
        commit({
          workers: [of("key:a", "w1"), of("key:b", "w1"), gone, of("key:a", "xw1"), of("key:a", "w11")],
        }),
      );
      const found = await nodes.b.workersNamed("w1" as WorkerId);
      expect(found.map((row) => row.session.principal).toSorted()).toEqual(["key:a", "key:b"]);
      expect(await nodes.b.workersNamed("w" as WorkerId)).toEqual([]);
    }));

  test("workers are listed with their Runs and when they were heard, of live nodes only and page by page", () =>
    two(async ({ a, nodes, pass }) => {
      await nodes.a.join(nodeInfo(first), LEASE);
      await nodes.b.join(nodeInfo(second), millis(1_000));
      const rows = [workerRow("w1", first), workerRow("w2", first), workerRow("w3", second)];
      const [w1, w2] = rows;
      const runs = [1, 2].map((i) => run(runId(i), id, { heldBy: w1?.session.id ?? "" }));
      await a.commit(commit({ tasks: [task(id)], runs, workers: rows }));
      await nodes.a.renew(first, LEASE, new Map([[sessionId(String(w1?.session.id)), instant(4_321)]]));

      const seen = await nodes.b.workers(undefined, 2);
      expect(seen).toEqual([
        { row: w1, activeRuns: 2, lastHeartbeatAt: 4_321 },
        { row: w2, activeRuns: 0, lastHeartbeatAt: 0 },
      ]);
      expect((await nodes.b.workers(w2?.key, 2)).map(({ row }) => row.key)).toEqual([rows[2]?.key]);
      await pass(1_001);
      expect(await nodes.b.workers(w2?.key, 2)).toEqual([]);
    }));
}
