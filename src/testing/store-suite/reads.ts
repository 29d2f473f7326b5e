import type { TaskFilter } from "#ports/store";
import { commit, run, runId, spec, step, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";
import { allOf, filterTests } from "./task-filters.js";

const everything: TaskFilter = { namespaces: "*" };

/** Lists and details, as clients see them. */
export function readTests(suite: Suite): void {
  const { test, expect, use } = suite;
  detailTests(suite);
  filterTests(suite);

  test("a list is newest first, page by page, and stays so while Tasks are added", () =>
    use(async (store) => {
      const create = (...numbers: readonly number[]) =>
        store.commit(commit({ tasks: numbers.map((number) => task(taskId(number))) }));
      await create(1, 3, 2, 5, 4);

      const first = await store.reads.tasks(everything, undefined, 2);
      expect(first.tasks.map(({ id }) => id)).toEqual([taskId(5), taskId(4)]);
      await create(6);
      const second = await store.reads.tasks(everything, first.next, 2);
      expect(second.tasks.map(({ id }) => id)).toEqual([taskId(3), taskId(2)]);
      const third = await store.reads.tasks(everything, second.next, 2);
      expect(third).toEqual({ tasks: [task(taskId(1))], next: undefined });
    }));

  test("a list keeps to the namespaces, status, agent and labels asked for", () =>
    use(async (store) => {
      const odd = { 'a.b"c': "$[0]", team: "x" };
      const tasks = [
        task(taskId(1), { namespace: "n1", spec: spec({ labels: odd }) }),
        task(taskId(2), { namespace: "n2", state: "steps_in_process", spec: spec({ agentName: "other" }) }),
        task(taskId(3), { namespace: "n1", state: "complete", spec: spec({ labels: { team: "y" } }) }),
        task(taskId(4), { namespace: "n3", spec: spec({ labels: { team: "x" } }) }),
        task(taskId(5), { namespace: "n4", state: "waiting_for_retry", hasRun: true }),
      ];
      await store.commit(commit({ tasks }));
      const list = async (part: Partial<TaskFilter>) =>
        (await allOf(store, { ...everything, ...part })).map((id) => Number(id.slice(-1)));

      expect(await list({})).toEqual([5, 4, 3, 2, 1]);
      expect(await list({ namespaces: ["n1"] })).toEqual([3, 1]);
      expect(await list({ namespaces: ["n2", "n3"] })).toEqual([4, 2]);
      expect(await list({ namespaces: [] })).toEqual([]);
      expect(await list({ status: "RUNNING" })).toEqual([5, 2]);
      expect(await list({ status: "PENDING" })).toEqual([4, 1]);
      expect(await list({ namespaces: ["n1"], status: "COMPLETED" })).toEqual([3]);
      expect(await list({ agentName: "other" })).toEqual([2]);
      expect(await list({ labels: { team: "x" } })).toEqual([4, 1]);
      expect(await list({ labels: odd })).toEqual([1]);
      expect(await list({ labels: {} })).toEqual([5, 4, 3, 2, 1]);
      expect(await list({ labels: { team: "x" }, agentName: "other" })).toEqual([]);
      expect(await list({ idPrefix: taskId(4) })).toEqual([4]);
      expect(await list({ idPrefix: taskId(4).slice(0, -1) })).toEqual([5, 4, 3, 2, 1]);
      expect(await list({ idPrefix: taskId(4).slice(0, -1), namespaces: ["n1"] })).toEqual([3, 1]);
      expect(await list({ idPrefix: `${taskId(4)}0` })).toEqual([]);
      expect(await list({ idPrefix: "%" })).toEqual([]);
    }));
}

function detailTests({ test, expect, use }: Suite): void {
  test("a Task is shown with its Steps in the order of its DAG and its Runs oldest first", () =>
    use(async (store) => {
      const id = taskId(1);
      const steps = ["source", "left", "between", "a-sink"].map((name) => step(id, { name }));
      const runs = [1, 2, 3].map((n) => run(runId(n), id, { fence: n }));
      await store.commit(
        commit({ tasks: [task(id)], steps, runs: [runs[2], runs[0]].flatMap((r) => r ?? []) }),
      );
      await store.commit(
        commit({ steps: [step(id, { name: "source", revision: 2 })], runs: runs.slice(1, 2) }),
      );

      const shown = await store.reads.task(id);
      expect(shown?.steps.map(({ name }) => name)).toEqual(["source", "left", "between", "a-sink"]);
      expect(shown?.runs).toEqual(runs);
      expect(await store.reads.task(taskId(2))).toBe(undefined);
      expect(await store.reads.output({ taskId: id, stepName: "source" })).toBe(undefined);
    }));

  test("a Task is shown to those of its namespace alone", () =>
    use(async (store) => {
      const id = taskId(1);
      const [steps, runs] = [[step(id)], [run(runId(1), id)]];
      await store.commit(commit({ tasks: [task(id, { namespace: "a" })], steps, runs }));
      const whole = await store.reads.task(id, "*");
      expect([whole?.task.namespace, whole?.steps.length, whole?.runs.length]).toEqual(["a", 1, 1]);
      expect(await store.reads.task(id, ["b", "a"])).toEqual(whole);
      for (const foreign of [["b"], ["A", ""], []]) {
        expect(await store.reads.task(id, foreign)).toBe(undefined);
      }
      expect(await store.reads.task(taskId(2), ["a"])).toBe(undefined);
    }));
}
