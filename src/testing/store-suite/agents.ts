import { readyStep, type StepRow } from "#domain/task/step";
import { instant } from "#domain/time/time";
import { agentKey, NOTHING_ANNOUNCED } from "#domain/worker/agent";
import type { Store } from "#ports/store";
import { agentRow, commit, lane, step, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

/** What is remembered of agents, and how many Steps wait for them. */
export function agentTests({ test, expect, use }: Suite): void {
  const agentsOf = async (store: Store) =>
    [...(await store.boot()).agents].sort((a, b) => (agentKey(a) < agentKey(b) ? -1 : 1));

  test("an agent is remembered with all it announced, once for each namespace", () =>
    use(async (store, reopen) => {
      const plain = agentRow("plain", { namespace: "n2", announced: NOTHING_ANNOUNCED });
      const inOne = agentRow("echo", { namespace: "n2", seenAt: instant(9) });
      await store.commit(commit({ agents: [agentRow("echo"), plain, inOne] }));
      expect(await agentsOf(await reopen())).toEqual([agentRow("echo"), inOne, plain]);
    }));

  test("a later announcement replaces an earlier one, and a forgotten agent is gone until it is announced again", () =>
    use(async (first, reopen) => {
      await first.commit(commit({ agents: [agentRow("a"), agentRow("b")] }));
      const later = agentRow("a", {
        description: "new",
        announced: NOTHING_ANNOUNCED,
        seenAt: instant(5_000),
      });
      const agentsForgotten = [
        { namespace: "", name: "b" },
        { namespace: "", name: "unknown" },
      ];
      await first.commit(commit({ agents: [later], agentsForgotten }));
      const store = await reopen();
      expect(await agentsOf(store)).toEqual([later]);
      await store.commit(commit({ agents: [agentRow("b")] }));
      expect(await agentsOf(await reopen())).toEqual([later, agentRow("b")]);
    }));

  test("ready Steps are counted over some lanes, up to a number", () =>
    use(async (store) => {
      const id = taskId(1);
      const names = ["a", "b", "c"];
      const ready = names.map((name) => step(id, { name }));
      const other = step(id, { name: "d", lane: "another" });
      const taken = step(id, { name: "e", state: "in_progress" });
      await store.commit(commit({ tasks: [task(id)], steps: [...ready, other, taken] }));
      const { reads } = store;
      expect(await reads.countReady([lane.key], 10)).toBe(3);
      expect(await reads.countReady([lane.key, "another", "none"], 10)).toBe(4);
      expect(await reads.countReady([lane.key, "another"], 2)).toBe(2);
      expect(await reads.countReady([], 10)).toBe(0);
    }));

  test("a ready Step's place is how many come before it in its lane, by rank, then Task, then name; up to a number", () =>
    use(async (store) => {
      const [older, newer] = [taskId(1), taskId(2)];
      const rows = [
        step(older, { name: "late", rank: 9 }),
        step(older, { name: "b" }),
        step(older, { name: "a" }),
        step(older, { name: "other", lane: "another" }),
        step(older, { name: "taken", state: "in_progress" }),
        step(newer, { name: "a" }),
        step(newer, { name: "urgent", rank: -2 }),
      ];
      await store.commit(commit({ tasks: [task(older), task(newer)], steps: rows }));
      const placeOf = (row: StepRow, most = 10) => store.reads.countBefore(readyStep(row), most);
      const places = await Promise.all(rows.map((row) => placeOf(row)));
      expect(rows.map(({ name }, i) => [name, places[i]]).filter(([name]) => name !== "taken")).toEqual([
        ["late", 4],
        ["b", 2],
        ["a", 1],
        ["other", 0],
        ["a", 3],
        ["urgent", 0],
      ]);
      expect(await placeOf(rows[0] as StepRow, 2)).toBe(2);
    }));
}
