import { stepKey, type TaskId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import { commit, ended, loaded, step, stepSpec, task, taskId } from "../rows.js";
import { nowAndAfterRestart, type Suite } from "./kit.js";

const [a, b] = [taskId(1), taskId(2)];

/** Tasks of many Steps: what a Step is to do, what hangs on what, and the texts of each. */
export function graphTests({ test, expect, use }: Suite): void {
  test("a Step comes back with all it was given, and grows", () =>
    use(async (store, reopen) => {
      const spec = stepSpec({
        type: "map",
        config: { model: "small", stop: [0.5, null, "\"'"] },
        timeoutMs: millis(5),
        map: { over: "results/list", concurrency: 3, failure: "isolate" },
        member: { group: "other", index: 2, concurrency: 1, failure: "continue_on_failure" },
        compensation: {
          name: "undo",
          agentName: "eraser",
          config: null,
          retry: { backoff: "none", base: millis(0), max: millis(0), jitter: 0 },
          maxAttempts: 2,
          timeoutMs: millis(0),
        },
      });
      const made = step(a, { spec, dependsOn: ["list"], unsatisfied: 1, state: "pending" });
      await store.commit(commit({ tasks: [task(a)], steps: [made] }));
      const grown = {
        ...made,
        revision: 2,
        dependsOn: ["list", "main_000", "main_001"],
        dependants: ["join", "late"],
        members: ["main_000", "main_001"],
        unsatisfied: 2,
        hasInput: true,
        signalled: true,
        childId: b,
        startedAt: instant(7),
        finishedAt: instant(8),
        order: 9,
      };
      await store.commit(commit({ steps: [grown] }));

      await nowAndAfterRestart(store, reopen, async (opened) => {
        expect((await opened.load({ graphs: [a] })).steps).toEqual([grown]);
        expect((await opened.reads.task(a))?.steps).toEqual([grown]);
      });
    }));

  test("a Task comes back with what it knows of its Steps, its family and its key", () =>
    use(async (store) => {
      const made = task(a, { opened: { split: 3, "a/b": 1 }, tolerated: 2, isolated: 1 });
      const later = { ...made, revision: 2, opened: { split: 4 }, ownsKey: false, compensatedBy: b };
      await store.commit(commit({ tasks: [made] }));
      expect((await store.load({ wholeTasks: [a] })).tasks).toEqual([made]);

      await store.commit(commit({ tasks: [later] }));
      expect((await store.load({ wholeTasks: [a] })).tasks).toEqual([later]);
      expect((await store.reads.tasks({ namespaces: "*" }, undefined, 5)).tasks).toEqual([later]);
    }));

  test("a graph has every Step, ended ones too, in the order in which they were made", () =>
    use(async (store, reopen) => {
      const names = ["source", "z", "m", "a"];
      const steps = names.map((name) => step(a, { name }));
      const other = step(b, { name: "only" });
      await store.commit(commit({ tasks: [task(a), task(b)], steps: [...steps, other] }));
      const done = step(a, { name: "z", revision: 2, state: "complete" });
      const late = step(a, { name: "b-late" });
      await store.commit(commit({ steps: [late, done] }));
      const inOrder = [steps[0], done, steps[2], steps[3], late];

      await nowAndAfterRestart(store, reopen, async (opened) => {
        expect(await opened.load({ graphs: [a] })).toEqual(
          loaded({ tasks: [task(a)], steps: inOrder.flatMap((row) => row ?? []) }),
        );
        const mixed = { graphs: [b, a], wholeTasks: [a], steps: [{ taskId: a, stepName: "a" }] };
        const both = await opened.load(mixed);
        expect(both.steps.filter(({ taskId }) => taskId === a)).toEqual(inOrder);
        expect(both.steps.filter(({ taskId }) => taskId === b)).toEqual([other]);
        expect(both.tasks.length).toBe(2);
        expect(await opened.load({ graphs: [taskId(9)] })).toEqual(loaded());
      });
    }));
}

/** What Steps are given, and what comes of them, beside their rows. */
export function textTests({ test, expect, use }: Suite): void {
  const keys = (...names: readonly (readonly [TaskId, string])[]) =>
    names.map(([taskId, stepName]) => ({ taskId, stepName }));
  const texts = (...pairs: readonly (readonly [TaskId, string, string])[]) =>
    new Map(pairs.map(([taskId, stepName, json]) => [stepKey({ taskId, stepName }), json]));

  test("inputs and results of Steps are kept apart, and are absent where there are none", () =>
    use(async (store, reopen) => {
      const text = '["quotes", \'single\', "\\u0001 𝄞"]';
      const steps = ["x", "y"].map((name) => step(a, { name }));
      await store.commit(
        commit({
          tasks: [task(a)],
          steps,
          stepInputs: [{ taskId: a, stepName: "x", json: text }],
          outputs: [{ taskId: a, stepName: "y", json: "2" }],
        }),
      );

      const both = keys([a, "x"], [a, "y"], [b, "x"]);
      await nowAndAfterRestart(store, reopen, async (opened) => {
        const found = loaded({ stepInputs: texts([a, "x", text]), outputs: texts([a, "y", "2"]) });
        expect(await opened.load({ stepInputs: both, outputs: both })).toEqual(found);
      });
    }));

  test("what was done to Steps by hand, and to their Task, is kept apart, and read by clients", () =>
    use(async (store, reopen) => {
      const [own, whole] = ['{"actions":[{"reason":"\\u0001 𝄞"}]}', '{"actions":[]}'];
      const put = (stepName: string, json: string) => [{ taskId: a, stepName, json }];
      await store.commit(commit({ tasks: [task(a)], steps: [step(a)], stepActions: put("main", "1") }));
      await store.commit(commit({ stepActions: [...put("main", own), ...put("", whole)] }));

      const stepActions = keys([a, "main"], [a, ""], [b, "main"]);
      await nowAndAfterRestart(store, reopen, async (opened) => {
        const found = loaded({ stepActions: texts([a, "main", own], [a, "", whole]) });
        expect(await opened.load({ stepActions })).toEqual(found);
        const reads = stepActions.map((key) => opened.reads.stepActions(key));
        expect(await Promise.all(reads)).toEqual([own, whole, undefined]);
      });
    }));

  test("a later input of a Step replaces an earlier one, and a Task takes them with it", () =>
    use(async (store) => {
      const given = (json: string) => [{ taskId: a, stepName: "main", json }];
      await store.commit(commit({ tasks: [task(a)], steps: [step(a)], stepInputs: given("1") }));
      await store.commit(commit({ stepInputs: given('{"checkpoint":2}'), stepActions: given("[]") }));
      const needs = { stepInputs: keys([a, "main"]), stepActions: keys([a, "main"]) };
      expect((await store.load(needs)).stepInputs).toEqual(texts([a, "main", '{"checkpoint":2}']));

      await store.commit(commit({ tasks: [ended(task(a), 1)] }));
      expect(await store.removeFinished(instant(2), 1)).toEqual([a]);
      expect(await store.load(needs)).toEqual(loaded());
    }));
}

/** Results that the store copies by itself. */
export function copyTests({ test, expect, use }: Suite): void {
  const copy = (from: string, to: string) => ({
    from: { taskId: a, stepName: from },
    to: { taskId: b, stepName: to },
  });

  test("results are copied to another Task within the store, and outlive the Task that they come from", () =>
    use(async (store, reopen) => {
      const long = JSON.stringify("\u0001 𝄞 ' \"".repeat(2_000));
      const put = (stepName: string, json: string) => ({ taskId: a, stepName, json });
      const rows = ["x", "y"].map((name) => step(a, { name }));
      await store.commit(commit({ tasks: [task(a)], steps: rows, outputs: [put("x", long), put("y", "2")] }));
      const copies = [copy("x", "x"), copy("y", "renamed")];
      const made = { tasks: [task(b)], steps: ["x", "renamed"].map((name) => step(b, { name })) };
      await store.commit(commit({ ...made, copies }));
      await store.commit(commit({ tasks: [ended(task(a), 1)] }));
      expect(await store.removeFinished(instant(2), 1)).toEqual([a]);

      await nowAndAfterRestart(store, reopen, async (opened) => {
        const outputs = copies.map(({ to }) => to);
        const { outputs: found } = await opened.load({ outputs });
        const read = await Promise.all(outputs.map((key) => opened.reads.output(key)));
        for (const texts of [[...found.values()], read]) {
          expect(texts.map((json) => json === long || json)).toEqual([true, "2"]);
        }
      });
    }));

  test("a result to copy that is not there refuses the whole commit", () =>
    use(async (store) => {
      const outputs = [{ taskId: a, stepName: "x", json: "1" }];
      await store.commit(commit({ tasks: [task(a)], steps: [step(a, { name: "x" })], outputs }));
      const made = { tasks: [task(b)], steps: ["x", "y"].map((name) => step(b, { name })) };
      const copies = [copy("x", "x"), copy("y", "y")];
      await expect(store.commit(commit({ ...made, copies }))).rejects.toMatchObject({ moved: [] });
      expect((await store.reads.task(b)) ?? "none").toBe("none");
      await store.commit(commit({ ...made, copies: copies.slice(0, 1) }));
      expect(await store.reads.output({ taskId: b, stepName: "x" })).toBe("1");
    }));
}
