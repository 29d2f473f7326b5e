import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, expect, test } from "vitest";
import type { Fault } from "#domain/fault";
import type { Store } from "#ports/store";
import { postgresStore } from "#stores/postgres/index";
import { commit, line, task, taskId } from "#testing/rows";
import { noPostgres, PostgresServer } from "./server.js";
import { Wire } from "./wire.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const server = await PostgresServer.start();
  afterAll(() => server.remove());
  const open = new Set<Store>();
  const wires = new Set<Wire>();
  afterEach(async () => {
    for (const wire of wires) wire.close();
    await Promise.all([...open].map((store) => store.close()));
    wires.clear();
    open.clear();
  });
  const id = taskId(1);

  const storeAt = async (url: string) => {
    const store = postgresStore({ url, remember: false });
    open.add(store);
    await store.boot();
    return store;
  };
  const wired = async (schema: string) => {
    const wire = await Wire.to(server.port);
    wires.add(wire);
    return { wire, store: await storeAt(server.url(schema, wire.port)) };
  };
  const append = (text: string) => commit({ log: [{ taskId: id, entries: [line(text)] }] });
  const lines = async (store: Store) => {
    const { entries } = await store.reads.log(id, 0, 1e6);
    return entries.map((entry) => (entry.type === "chat" ? entry.content : ""));
  };
  const written = async (schema: string) => {
    const [row] = await server.query(`SELECT count(*)::int AS count FROM ${schema}.commits`);
    return Number(row?.count);
  };
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await setTimeout(20);
  };
  const endSessions = (name = "taskrun%") =>
    server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1", [
      name,
    ]);

  test("a commit whose answer was lost is answered, and is not written twice", async () => {
    const { wire, store } = await wired("answer");
    await store.commit(commit({ tasks: [task(id)] }));
    const before = await written("answer");
    wire.back = "is lost";
    const committed = store.commit(append("once"));
    await until(async () => (await written("answer")) > before);
    wire.back = "passes";
    wire.cut();
    expect(await committed).toEqual({ firstSeqs: [1] });
    expect(await store.commit(append("next"))).toEqual({ firstSeqs: [2] });
    expect(await lines(store)).toEqual(["once", "next"]);
  });

  test("a commit that never arrived is written when the connection is back", async () => {
    const { wire, store } = await wired("request");
    await store.commit(commit({ tasks: [task(id)] }));
    wire.there = "is lost";
    const committed = store.commit(append("late"));
    await setTimeout(100);
    wire.there = "passes";
    wire.cut();
    expect(await committed).toEqual({ firstSeqs: [1] });
    expect(await lines(store)).toEqual(["late"]);
  });

  test("no commit is lost or doubled while sessions are ended all the time", async () => {
    const store = await storeAt(server.url("storm"));
    await store.commit(commit({ tasks: [task(id)] }));
    let isOver = false;
    const storm = (async () => {
      while (!isOver) {
        await endSessions();
        await setTimeout(40);
      }
    })();
    const wanted = Array.from({ length: 60 }, (_, i) => `line ${i}`);
    for (const [i, text] of wanted.entries())
      expect(await store.commit(append(text))).toEqual({ firstSeqs: [i + 1] });
    isOver = true;
    await storm;
    expect(await lines(store)).toEqual(wanted);
  });

  test("a restart of the server is waited for; an outage is refused, and told of, until it is over", async () => {
    const store = await storeAt(server.url("restart"));
    await store.commit(commit({ tasks: [task(id)] }));
    const restarting = server.stop("SIGQUIT").then(() => server.run());
    expect(await store.commit(append("through it"))).toEqual({ firstSeqs: [1] });
    await restarting;
    expect(store.outage?.()).toBe(undefined);

    await server.stop("SIGKILL");
    const refused = { code: "unavailable", reason: "STORE_UNAVAILABLE" };
    await expect(store.load({ wholeTasks: [id] })).rejects.toMatchObject(refused);
    const began = performance.now();
    const refusal = await store.commit(append("never")).catch((error: unknown) => error);
    expect(refusal).toMatchObject(refused);
    expect((refusal as Fault).details.retryAfter).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(store.outage?.()?.message).toMatch(/^postgres:\/\/taskrun@127\.0\.0\.1:\d+\/.* cannot be reached/);

    await server.run();
    await until(async () => store.outage?.() === undefined);
    expect(await store.commit(append("after it"))).toEqual({ firstSeqs: [2] });
    expect(await lines(store)).toEqual(["through it", "after it"]);
  });

  test("a server that takes no writes counts as away", async () => {
    const store = await storeAt(server.url("standby"));
    await store.commit(commit({ tasks: [task(id)] }));
    await server.query("ALTER DATABASE postgres SET default_transaction_read_only = on");
    await endSessions();
    await expect(store.commit(append("refused"))).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
    await server.query(
      "BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT",
    );
    await until(async () => store.outage?.() === undefined);
    expect(await store.commit(append("written"))).toEqual({ firstSeqs: [1] });
  });

  test("a second server is refused, and named what holds the store", async () => {
    await storeAt(server.url("locked"));
    const second = postgresStore({ url: server.url("locked") });
    const refusal = await second.boot().catch((error: unknown) => error as Fault);
    expect(refusal).toMatchObject({ code: "unavailable", reason: "STORE_LOCKED" });
    expect((refusal as Fault).message).toMatch(
      /in use by another server \("taskrun owner" from 127\.0\.0\.1, backend \d+\)/,
    );
    expect((refusal as Fault).message).not.toMatch(/secret/);
  });

  test("a server that was cut off while another one took over never writes again", async () => {
    const { wire, store } = await wired("taken");
    await store.commit(commit({ tasks: [task(id)] }));
    wire.refuses = true;
    wire.cut();
    const other = await storeAt(server.url("taken"));
    wire.refuses = false;
    expect(await store.failed).toMatchObject({ reason: "STORE_TAKEN" });
    await expect(store.commit(append("late"))).rejects.toBeInstanceOf(Error);
    expect(await lines(other)).toEqual([]);
  });

  test("the database itself refuses the commits of a server whose store another one has taken", async () => {
    const store = await storeAt(server.url("refused"));
    await store.commit(commit({ tasks: [task(id)] }));
    await server.query("UPDATE refused.plane SET incarnation = incarnation + 1");
    await expect(store.commit(append("late"))).rejects.toMatchObject({ reason: "STORE_TAKEN" });
    expect(await lines(store)).toEqual([]);
  });

  test("of several hosts the one that takes writes is used", async () => {
    const standby = await PostgresServer.start(["fsync=off", "default_transaction_read_only=on"]);
    try {
      const both = `127.0.0.1:${standby.port},127.0.0.1:${server.port}`;
      const url = server.url("writes").replace(`127.0.0.1:${server.port}`, both);
      await (await storeAt(url)).commit(commit({ tasks: [task(id)] }));
      expect(await written("writes")).toBe(1);
    } finally {
      await standby.remove();
    }
  });

  test("a database that has lost acknowledged commits ends the store", async () => {
    const store = await storeAt(server.url("behind"));
    await store.commit(commit({ tasks: [task(id)] }));
    await server.query("DELETE FROM behind.commits");
    await endSessions();
    expect(await store.failed).toMatchObject({ reason: "STORE_BEHIND" });
  });

  test("a schema of a later release is refused", async () => {
    const url = server.url("newer");
    const store = await storeAt(url);
    await store.close();
    open.delete(store);
    await server.query("INSERT INTO newer.migrations (version) VALUES (999)");
    await expect(postgresStore({ url }).boot()).rejects.toMatchObject({ reason: "STORE_TOO_NEW" });
  });

  test("partitions of weeks to come are made, and an empty one of a past week is dropped", async () => {
    const url = server.url("weeks");
    const list = async () => {
      const found = await server.query(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'weeks' AND tablename ~ '^log_' ORDER BY 1",
      );
      return found.map(({ tablename }) => String(tablename));
    };
    const first = await storeAt(url);
    const made = (await list()).filter((name) => /^log_\d{8}$/.test(name));
    expect(made.length).toBe(3);
    const now = Date.now().toString(16).padStart(12, "0");
    const recent = `${now.slice(0, 8)}-${now.slice(8)}-7000-8000-000000000000` as typeof id;
    await first.commit(commit({ tasks: [task(recent)], log: [{ taskId: recent, entries: [line("now")] }] }));
    expect(await server.query(`SELECT task_id FROM weeks.${made[0]}`)).toEqual([{ task_id: recent }]);
    for (const [name, from, to] of [
      ["log_20200102", "016f6", "016f7"],
      ["log_20200109", "016f8", "016f9"],
    ]) {
      await server.query(
        `CREATE TABLE weeks.${name} PARTITION OF weeks.log FOR VALUES FROM ('${from}') TO ('${to}')`,
      );
    }
    await server.query(`INSERT INTO weeks.log VALUES ('016f8a', 1, 1, '[]')`);
    await first.close();
    open.delete(first);
    await storeAt(url);
    const left = (await list()).filter((name) => /^log_\d{8}$/.test(name));
    expect(left).toEqual(["log_20200109", ...made]);
  });
}
