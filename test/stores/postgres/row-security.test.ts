/**
 * The second wall between namespaces: what the database itself keeps back from a session that reads for a caller, whatever it is asked. The
 * reads here are those of `CallerReads` without any of its conditions.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { StoredReads } from "#api/use-case";
import type { TaskId } from "#domain/id";
import { recordKey } from "#domain/task/journal";
import type { Store } from "#ports/store";
import type { Reads } from "#ports/store-reads";
import { postgresStore } from "#stores/postgres/index";
import { commit, line, run, runId, step, task, taskId, template } from "#testing/rows";
import { noPostgres, PostgresServer } from "./server.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

/** A Task of a namespace with all that may belong to one. */
function family(id: TaskId, namespace: string) {
  const of = { id: runId(Number.parseInt(id.slice(-4), 10)), name: "main" };
  return commit({
    tasks: [task(id, { namespace })],
    steps: [step(id, { name: "main", state: "complete", outputBytes: 2 })],
    runs: [run(of.id, id, { namespace, principal: `key:${namespace}` })],
    inputs: [{ taskId: id, json: `{"of":"${namespace}"}` }],
    outputs: [{ taskId: id, stepName: "main", json: "42" }],
    journal: [{ ...recordKey({ taskId: id, stepName: "main" }, 0), json: "{}" }],
    log: [{ taskId: id, entries: [line(`says ${namespace}`)] }],
  });
}

const [mine, theirs] = [taskId(1), taskId(2)];

/** Everything that can be read, of this Task and these names. */
async function all(reads: Reads, id: TaskId, namespace: string) {
  const byStep = { taskId: id, stepName: "main" };
  const templateOf = (version: string) => reads.template({ namespace, name: "t", version });
  const [exact, newest] = [await templateOf("1.0.0"), await templateOf("")];
  return {
    task: (await reads.task(id))?.task.id,
    taskWithin: (await reads.task(id, [namespace]))?.steps.length,
    tasks: (await reads.tasks({ namespaces: "*" }, undefined, 100)).tasks.map((each) => each.namespace),
    tasksOf: (await reads.tasks({ namespaces: [namespace] }, undefined, 100)).tasks.length,
    run: (await reads.run(runId(Number.parseInt(id.slice(-4), 10))))?.namespace,
    template: exact?.namespace,
    newest: newest?.namespace,
    templates: (await reads.templates({ namespaces: "*" }, undefined, 100)).templates.map(
      (each) => each.namespace,
    ),
    templatesOf: (await reads.templates({ namespaces: [namespace] }, undefined, 100)).templates.length,
    input: await reads.input(id),
    output: await reads.output(byStep),
    journal: (await reads.journal(byStep, 0, { records: 9, bytes: 1e6 })).length,
    log: (await reads.log(id, 0, 1e6)).entries.length,
    logBounds: (await reads.logBounds(id))?.last,
  };
}

const ofMine = {
  ...{
    task: mine,
    taskWithin: 1,
    tasks: ["mine"],
    tasksOf: 1,
    run: "mine",
    template: "mine",
    newest: "mine",
  },
  ...{
    templates: ["mine"],
    templatesOf: 1,
    input: '{"of":"mine"}',
    output: "42",
    journal: 1,
    log: 1,
    logBounds: 1,
  },
};
const ofNothing = {
  ...{ task: undefined, taskWithin: undefined, tasks: ["mine"], tasksOf: 0, run: undefined },
  ...{ template: undefined, newest: undefined, templates: ["mine"], templatesOf: 0 },
  ...{ input: undefined, output: undefined, journal: 0, log: 0, logBounds: undefined },
};

if (!noPostgres) {
  let server: PostgresServer;
  const stores: Store[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await server.remove();
  });

  async function furnished(options: { remember: boolean; shared: boolean }, more = ""): Promise<Store> {
    const store = postgresStore({ url: `${server.ordinaryUrl()}${more}`, ...options });
    stores.push(store);
    await store.boot();
    for (const [id, namespace] of [
      [mine, "mine"],
      [theirs, "theirs"],
    ] as const) {
      await store.commit(family(id, namespace));
      await store.commit(commit({ templates: [template("t", "1.0.0", { namespace })] }));
    }
    return store;
  }
  const confined = (store: Store, ...namespaces: string[]): Reads => {
    const reads = store.reads.within?.(namespaces);
    if (!reads) throw new Error("the store confines nobody");
    return reads;
  };

  test.each([
    ["by itself", { remember: false, shared: false }],
    ["with its cache", { remember: true, shared: false }],
    ["shared, with its cache", { remember: true, shared: true }],
  ])(
    "a session that reads for a caller gets its own rows, and of others nothing (%s)",
    async (_, options) => {
      const store = await furnished(options);
      const reads = confined(store, "mine");
      expect(await all(reads, mine, "mine")).toEqual(ofMine);
      expect(await all(reads, theirs, "theirs")).toEqual(ofNothing);
      // As of what does not exist.
      expect(await all(reads, taskId(999), "nobody")).toEqual(ofNothing);
      // The server itself is not hindered, before and after.
      const own = await all(store.reads, theirs, "theirs");
      expect(own).toMatchObject({
        task: theirs,
        input: '{"of":"theirs"}',
        log: 1,
        templates: ["mine", "theirs"],
      });
      expect(await store.reads.countReady([], 10)).toBe(0);
    },
  );

  test("who may use nothing gets nothing, and names are not patterns", async () => {
    const store = await furnished({ remember: false, shared: false });
    for (const names of [
      [],
      ['mi"ne', "mine\\", "{mine}", "m,ine", "MINE", "mine "],
      ["%"],
      ["*"],
      ["NULL"],
    ]) {
      const found = await all(confined(store, ...names), mine, "mine");
      expect(found, JSON.stringify(names)).toEqual({ ...ofNothing, tasks: [], templates: [] });
    }
    const odd = 'q"u\\o,t{e}s';
    await store.commit(family(taskId(3), odd));
    expect((await confined(store, "x", odd).task(taskId(3)))?.task.namespace).toBe(odd);
  });

  test("callers that share one connection are kept apart, however they interleave", async () => {
    const store = await furnished({ remember: false, shared: false }, "&pool=1");
    const [one, other] = [confined(store, "mine"), confined(store, "theirs")];
    const asked = Array.from({ length: 60 }, (_, i) => i % 3);
    const seen = await Promise.all(
      asked.map(async (who) => {
        const reads = [one, other, store.reads][who] as Reads;
        return [(await reads.task(mine)) !== undefined, (await reads.task(theirs)) !== undefined];
      }),
    );
    const wanted = [
      [true, false],
      [false, true],
      [true, true],
    ];
    expect(seen).toEqual(asked.map((who) => wanted[who]));
  });

  test("pages of several namespaces lead through all of them, and look at no more rows than others do", async () => {
    const store = await furnished({ remember: false, shared: false });
    const ids = Array.from({ length: 30 }, (_, i) => taskId(100 + i));
    for (const [i, id] of ids.entries()) {
      const namespace = ["a", "b", "c"][i % 3] as string;
      await store.commit(commit({ tasks: [task(id, { namespace })] }));
    }
    const reads = confined(store, "a", "b");
    const found: string[] = [];
    let before: TaskId | undefined;
    do {
      const page = await reads.tasks({ namespaces: ["a", "b"] }, before, 7);
      found.push(...page.tasks.map(({ id }) => id));
      before = page.next;
    } while (before !== undefined);
    expect(found).toEqual(ids.filter((_, i) => i % 3 !== 2).toReversed());
  });

  test("use cases read so: only workers with a certificate, and who may use everything, are not confined", async () => {
    const store = await furnished({ remember: false, shared: false });
    const stored = new StoredReads(store.reads);
    const caller = { principal: "key:mine", roles: ["admin"], namespaces: ["mine"] };
    const row = { id: theirs, namespace: "mine" }; // what a bug would make of it
    expect(await stored.for(caller).input(row)).toBe(undefined);
    expect((await stored.for(caller).log(row, 0, 1e6)).entries).toEqual([]);
    expect(await stored.for(caller).output({ taskId: theirs, name: "main" })).toBe(undefined);
    expect(await stored.for({ ...caller, namespaces: "*" }).input(row)).toBe('{"of":"theirs"}');
    const certificate = { worker: { namespace: "mine", name: "w" }, serial: "1", notAfter: 0 as never };
    expect(await stored.for({ ...caller, certificate }).output({ taskId: theirs, name: "main" })).toBe("42");
  });
}
