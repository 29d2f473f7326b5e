import { expect, test } from "vitest";
import { stepKey } from "#domain/id";
import type { TemplateRow } from "#domain/template/template";
import { instant } from "#domain/time/time";
import type { Needs, Reads, Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { cachingStore } from "#stores/shared/caching-store";
import { TemplateCache } from "#stores/shared/template-cache";
import { commit, ended, loaded, run, runId, step, task, taskId, template } from "#testing/rows";

const [a, b] = [taskId(1), taskId(2)];
const newest = { namespace: "default", name: "etl", version: "" };

/** A store that writes down what it is asked. */
function asked(store: Store): { readonly store: Store; readonly loads: Needs[]; readonly reads: string[] } {
  const loads: Needs[] = [];
  const reads: string[] = [];
  const noted = new Proxy(store.reads, {
    get(target, name: keyof Reads) {
      const read = target[name];
      if (!read || typeof read !== "function") return read;
      reads.push(name);
      return (...args: never) => Reflect.apply(read, target, args);
    },
  });
  const load = (needs: Needs) => {
    loads.push(needs);
    return store.load(needs);
  };
  const { boot, commit, ready, due, nextDueAt, removeFinished, close } = store;
  const rest = { boot, commit, ready, due, nextDueAt, removeFinished, close };
  const bound = Object.fromEntries(Object.entries(rest).map(([name, verb]) => [name, verb.bind(store)]));
  return { store: { ...(bound as typeof rest), load, reads: noted }, loads, reads };
}

async function begun() {
  const behind = asked(memoryStore());
  const store = cachingStore(behind.store);
  await store.boot();
  return { ...behind, store };
}

test("nothing that a Task made while we watched has, or has not, is asked of the store", async () => {
  const { store, loads, reads } = await begun();
  const steps = ["x", "y"].map((name) => step(a, { name }));
  const runs = [run(runId(1), a, { stepName: "x" })];
  const [x, y, none] = ["x", "y", "none"].map((stepName) => ({ taskId: a, stepName }));
  if (!x || !y || !none) throw new RangeError("three keys");
  await store.commit(
    commit({
      tasks: [task(a)],
      steps,
      runs,
      inputs: [{ taskId: a, json: "0" }],
      stepInputs: [{ ...x, json: "1" }],
      outputs: [{ ...y, json: "2" }],
    }),
  );
  await store.commit(commit({ stepInputs: [{ ...x, json: "3" }] }));

  const keys = [x, y, none];
  const needs = { graphs: [a], wholeTasks: [a], steps: keys, runs: [runId(1)], inputs: [a] };
  expect(await store.load({ ...needs, stepInputs: keys, outputs: keys })).toEqual(
    loaded({
      tasks: [task(a)],
      steps,
      runs,
      inputs: new Map([[a, "0"]]),
      stepInputs: new Map([[stepKey(x), "3"]]),
      outputs: new Map([[stepKey(y), "2"]]),
    }),
  );
  expect(await store.reads.run(runId(1))).toEqual(runs[0]);
  expect(await store.reads.output(y)).toBe("2");
  expect([loads, reads]).toEqual([[], []]);
});

test("a graph that is only partly remembered comes whole from the store, in order, with what is newer here", async () => {
  const inner = memoryStore();
  await inner.boot();
  const names = ["x", "m", "a"];
  await inner.commit(commit({ tasks: [task(a)], steps: names.map((name) => step(a, { name })) }));
  const store = cachingStore(inner);
  const moved = step(a, { name: "a", revision: 2, state: "in_progress" });
  await store.commit(commit({ tasks: [task(a, { revision: 2 })], steps: [moved] }));

  const { steps } = await store.load({ steps: [{ taskId: a, stepName: "a" }], graphs: [a] });
  expect(steps).toEqual([step(a, { name: "x" }), step(a, { name: "m" }), moved]);
});

test("a template is asked for once; the newest is known as soon as it is registered", async () => {
  const { store, loads, reads } = await begun();
  const first = template("etl", "1.0.0");
  await store.commit(commit({ templates: [first] }));
  expect((await store.load({ templates: [first] })).templates).toEqual([first]);
  expect(loads.length).toBe(0);
  expect((await store.load({ templates: [newest] })).templates).toEqual([first]);
  expect(loads.length).toBe(1);

  const second = template("etl", "1.10.0");
  await store.commit(commit({ templates: [second] }));
  await store.commit(commit({ templates: [template("etl", "1.9.0")] }));
  expect((await store.load({ templates: [newest, first] })).templates).toEqual([second, first]);
  expect(await store.reads.template(newest)).toEqual(second);
  expect([loads.length, reads]).toEqual([1, []]);
});

test("an answer that was under way while a template was registered does not say which is the newest", () => {
  const hot = new TemplateCache();
  const [old, fresh] = [template("etl", "1.0.0"), template("etl", "2.0.0")];
  const { registrations } = hot;
  hot.register([fresh]);
  hot.remember([newest], [old], registrations);

  expect(hot.find(newest)).toBe(undefined);
  expect(hot.find(old)).toEqual(old);
  expect(hot.find(fresh)).toEqual(fresh);
});

test("templates are remembered up to a number and a weight, the ones used last", () => {
  const kept = (source: string) => {
    const hot = new TemplateCache();
    const rows: TemplateRow[] = Array.from({ length: 1_000 }, (_, i) =>
      template(`t${i}`, "1.0.0", { source }),
    );
    for (const row of rows) {
      hot.register([row]);
      hot.find(rows[0] as TemplateRow);
    }
    expect(hot.find(rows[0] as TemplateRow)).toEqual(rows[0]);
    return rows.filter((row) => hot.find(row) !== undefined).length;
  };

  expect(kept("x")).toBe(256);
  expect(kept("x".repeat(1024 * 1024))).toBe(3);
});

test("what a removed Task had is asked of the store again", async () => {
  const { store, loads } = await begun();
  await store.commit(
    commit({ tasks: [task(a), task(b)], stepInputs: [{ taskId: a, stepName: "m", json: "1" }] }),
  );
  await store.commit(commit({ tasks: [ended(task(a), 1)] }));
  await store.removeFinished(instant(2), 1);

  const stepInputs = [{ taskId: a, stepName: "m" }];
  expect(await store.load({ stepInputs, graphs: [a, b] })).toEqual(loaded({ tasks: [task(b)] }));
  expect(loads.length).toBe(1);
});
