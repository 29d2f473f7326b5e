import type { TaskId } from "#domain/id";
import { beginningAt } from "#domain/id-time";
import { EVERY_NAMESPACE, type PauseScope, THE_PLANE, templateScope } from "#domain/pause/pause";
import { PauseSet } from "#domain/pause/pause-set";
import { type Instant, instant, later, millis, NEVER } from "#domain/time/time";
import type { Store, TaskFilter } from "#ports/store";
import { commit, spec, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

/** What filters of Tasks ask for beside namespace, status, agent and labels. */
export function filterTests(suite: Suite): void {
  specTests(suite);
  stateTests(suite);
  timeTests(suite);
}

/** The ids of all Tasks that a filter means, newest first, read a page for each. */
export async function allOf(store: Store, filter: TaskFilter): Promise<readonly TaskId[]> {
  const ids: TaskId[] = [];
  let before: TaskId | undefined;
  do {
    const page = await store.reads.tasks(filter, before, 1);
    ids.push(...page.tasks.map(({ id }) => id));
    before = page.next;
  } while (before !== undefined);
  return ids;
}

async function numbersOf(store: Store, part: Partial<TaskFilter>): Promise<readonly number[]> {
  return (await allOf(store, { namespaces: "*", ...part })).map((id) => Number(id.slice(-1)));
}

function specTests({ test, expect, use }: Suite): void {
  test("a list keeps to the template, parent, correlation id and creator asked for", () =>
    use(async (store) => {
      const template = { namespace: "shop", name: 'order "x"', version: "1.2.0" };
      const parent = { taskId: taskId(9), stepName: "child" };
      const odd = 'a"b\\c%_ü';
      // Every text occurs elsewhere in the row of another Task, under the same name.
      const trap = { correlationId: odd, createdBy: "ann", taskId: taskId(9), name: template.name };
      const specs = [
        spec({ template, correlationId: odd }),
        spec({ template: { ...template, version: "2.0.0" }, createdBy: "ann" }),
        spec({ template: { ...template, namespace: "other" }, parent }),
        spec({ labels: { ...trap, namespace: "shop", version: "1.2.0" } }),
        spec({ parent: { taskId: taskId(8), stepName: "child" }, correlationId: "ann" }),
      ];
      await store.commit(commit({ tasks: specs.map((one, i) => task(taskId(i + 1), { spec: one })) }));
      const list = (part: Partial<TaskFilter>) => numbersOf(store, part);

      expect(await list({ template })).toEqual([1]);
      expect(await list({ template: { ...template, version: "" } })).toEqual([2, 1]);
      expect(await list({ template: { ...template, namespace: "", version: "" } })).toEqual([3, 2, 1]);
      expect(await list({ template: { ...template, name: "order" } })).toEqual([]);
      expect(await list({ parentTaskId: taskId(9) })).toEqual([3]);
      expect(await list({ correlationId: odd })).toEqual([1]);
      expect(await list({ correlationId: "a" })).toEqual([]);
      expect(await list({ createdBy: "ann" })).toEqual([2]);
      expect(await list({ createdBy: "ann", template })).toEqual([]);
      expect(await list({ createdBy: "ann", template: { ...template, version: "2.0.0" } })).toEqual([2]);
    }));
}

function stateTests({ test, expect, use }: Suite): void {
  test("a list keeps to the states asked for, and to those who wait for something", () =>
    use(async (store) => {
      const tasks = [
        task(taskId(1), { state: "pending", spec: spec({ startAt: instant(5_000) }) }),
        task(taskId(2), { state: "pending" }),
        task(taskId(3), { state: "enqueuing_steps", counts: { enqueued: 1 } }),
        task(taskId(4), { state: "enqueuing_steps", counts: {} }),
        task(taskId(5), { state: "waiting_for_retry", hasRun: true, counts: { waiting_for_retry: 1 } }),
        task(taskId(6), { state: "blocked_by_failures", hasRun: true, counts: { error: 1 } }),
        task(taskId(7), { state: "steps_in_process", hasRun: true }),
        task(taskId(8), { state: "complete", hasRun: true, finishedAt: instant(9_000) }),
      ];
      await store.commit(commit({ tasks }));
      const list = (part: Partial<TaskFilter>) => numbersOf(store, part);

      expect(await list({ states: ["pending", "complete"] })).toEqual([8, 2, 1]);
      expect(await list({ states: ["waiting_for_retry"], status: "RUNNING" })).toEqual([5]);
      expect(await list({ states: ["waiting_for_retry"], status: "PENDING" })).toEqual([]);
      expect(await list({ states: ["waiting_for_dependencies"] })).toEqual([]);
      expect(await list({ waiting: "*" })).toEqual([6, 5, 3, 2, 1]);
      expect(await list({ waiting: "START_TIME" })).toEqual([1]);
      expect(await list({ waiting: "TURN" })).toEqual([2]);
      expect(await list({ waiting: "WORKER" })).toEqual([3]);
      expect(await list({ waiting: "BACKOFF" })).toEqual([5]);
      expect(await list({ waiting: "OPERATOR" })).toEqual([6]);
      expect(await list({ waiting: "*", states: ["pending"] })).toEqual([2, 1]);
      expect(await list({ waiting: "WORKER", namespaces: ["elsewhere"] })).toEqual([]);
    }));

  test("a Task of what is paused waits for the end of the pause, and not for a worker", () =>
    use(async (store) => {
      const ready = { state: "enqueuing_steps", counts: { enqueued: 1 } } as const;
      const flow = { namespace: "shop", name: "flow", version: "1.0.0" };
      const tasks = [
        task(taskId(1), { ...ready, spec: spec({ agentName: "work" }) }),
        task(taskId(2), { ...ready, spec: spec({ agentName: "other" }) }),
        task(taskId(3), { ...ready, spec: spec({ agentName: "", template: flow }) }),
        task(taskId(4), { ...ready, spec: spec({ agentName: "", template: { ...flow, name: "else" } }) }),
        task(taskId(5), { state: "steps_in_process", hasRun: true, spec: spec({ agentName: "work" }) }),
        task(taskId(6), { state: "pending", spec: spec({ agentName: "work" }) }),
      ];
      await store.commit(commit({ tasks }));
      const pausesOf = (...scopes: PauseScope[]) =>
        new PauseSet(scopes.map((scope) => ({ scope, reason: "", until: NEVER, by: "ops", at: instant(1) })));
      const list = (waiting: NonNullable<TaskFilter["waiting"]>, pauses: PauseSet) =>
        numbersOf(store, { waiting, pauses });

      const work = { kind: "agent", namespace: EVERY_NAMESPACE, name: "work", principal: "" } as const;
      const some = pausesOf(work, templateScope(flow));
      expect(await list("PAUSED", some)).toEqual([3, 1]);
      expect(await list("WORKER", some)).toEqual([4, 2]);
      expect(await list("*", some)).toEqual([6, 4, 3, 2, 1]);
      expect(await list("PAUSED", pausesOf(THE_PLANE))).toEqual([4, 3, 2, 1]);
      expect(await list("WORKER", pausesOf(THE_PLANE))).toEqual([]);
      expect(await list("PAUSED", pausesOf())).toEqual([]);
    }));
}

function timeTests({ test, expect, use }: Suite): void {
  test("a list keeps to the instants in the ids, the first included and the last not", () =>
    use(async (store) => {
      const at = [1_000, 2_000, 2_000, 3_000].map((ms) => instant(1_700_000_000_000 + ms));
      const id = (ms: Instant, n: number) => `${beginningAt(ms)}-7000-8000-00000000000${n}` as TaskId;
      await store.commit(commit({ tasks: at.map((ms, i) => task(id(ms, i + 1))) }));
      const [first, second, , last] = at as [Instant, Instant, Instant, Instant];
      const list = (part: Partial<TaskFilter>) => numbersOf(store, part);

      expect(await list({ createdAfter: second })).toEqual([4, 3, 2]);
      expect(await list({ createdBefore: second })).toEqual([1]);
      expect(await list({ createdAfter: first, createdBefore: last })).toEqual([3, 2, 1]);
      expect(await list({ createdAfter: later(last, millis(1)) })).toEqual([]);
      expect(await list({ createdAfter: second, createdBefore: later(second, millis(1)) })).toEqual([3, 2]);
      const prefix = id(second, 3).slice(0, -1);
      expect(await list({ createdAfter: first, createdBefore: last, idPrefix: prefix })).toEqual([3, 2]);
      expect(await list({ createdBefore: second, idPrefix: prefix })).toEqual([]);
    }));
}
