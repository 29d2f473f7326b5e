import { afterAll, afterEach, expect, test } from "vitest";
import type { NodeId } from "#domain/id";
import type { NodeStore } from "#ports/nodes";
import type { Store } from "#ports/store";
import { postgresStore } from "#stores/postgres/index";
import { commit, task, taskId } from "#testing/rows";
import { LEASE, nodeInfo } from "#testing/store-suite/nodes/kit";
import { noPostgres, PostgresServer } from "./server.js";
import { Wire } from "./wire.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

/** Servers that share a schema, those that do not, and those of other releases. */
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
  const node = "node-1" as NodeId;
  const opened = async (url: string, shared: boolean) => {
    const store = postgresStore({ url, shared, remember: false });
    open.add(store);
    await store.boot();
    return { store, nodes: store.nodes as NodeStore };
  };

  test("a server that shares with nobody is refused where a node is live, and named the node", async () => {
    const url = server.url("nodes_first");
    const { nodes } = await opened(url, true);
    await nodes.join(nodeInfo(node), LEASE);
    const alone = postgresStore({ url });
    open.add(alone);
    await expect(alone.boot()).rejects.toMatchObject({
      reason: "STORE_LOCKED",
      message: expect.stringMatching(/in use by node node-1 on host, which shares it with others/),
    });
    await nodes.leave(node);
    await (await opened(url, false)).store.commit(commit({ tasks: [task(id)] }));
  });

  test("a node waits for a server that shares with nobody to go, and is refused if it stays", async () => {
    const url = server.url("alone_first");
    const { store: alone } = await opened(url, false);
    const { store, nodes } = await opened(url, true);
    await expect(nodes.join(nodeInfo(node), LEASE)).rejects.toMatchObject({ reason: "STORE_LOCKED" });
    const joining = nodes.join(nodeInfo(node), LEASE);
    await alone.close();
    open.delete(alone);
    await joining;
    await store.commit(commit({ node, tasks: [task(id)] }));
  });

  test("a server that was alone and cut off writes nothing after a node has joined", async () => {
    const wire = await Wire.to(server.port);
    wires.add(wire);
    const { store: alone } = await opened(server.url("alone_cut", wire.port), false);
    await alone.commit(commit({ tasks: [task(id)] }));
    wire.refuses = true;
    wire.cut();
    const { nodes } = await opened(server.url("alone_cut"), true);
    await nodes.join(nodeInfo(node), LEASE);
    wire.refuses = false;
    expect(await alone.failed).toMatchObject({ reason: "STORE_TAKEN" });
    await expect(alone.commit(commit({ tasks: [task(taskId(2))] }))).rejects.toBeInstanceOf(Error);
  });

  test("nodes that were left behind write nothing once a server has the store for itself", async () => {
    const url = server.url("nodes_dead");
    const { store, nodes } = await opened(url, true);
    await nodes.join(nodeInfo(node), LEASE);
    await server.query("UPDATE nodes_dead.nodes SET lease_until = lease_until - $1", [LEASE + 1]);
    await opened(url, false);
    const late = store.commit(commit({ node, tasks: [task(id)] }));
    await expect(late).rejects.toMatchObject({ reason: "NODE_GONE" });
  });

  test("a node goes on beside one of the next release, which adds to the schema; one that starts then is refused", async () => {
    const url = server.url("rolling");
    const { store, nodes } = await opened(url, true);
    await nodes.join(nodeInfo(node), LEASE);
    const [row] = await server.query("SELECT max(version)::int AS known FROM rolling.migrations");
    await server.query("ALTER TABLE rolling.tasks ADD COLUMN of_the_next text");
    await server.query("ALTER TABLE rolling.nodes ADD COLUMN of_the_next bigint NOT NULL DEFAULT 1");
    await server.query("INSERT INTO rolling.migrations (version) VALUES ($1)", [Number(row?.known) + 1]);

    await store.commit(commit({ node, tasks: [task(id)] }));
    await store.commit(commit({ node, tasks: [task(id, { revision: 2 })] }));
    await nodes.renew(node, LEASE, new Map());
    expect((await store.load({ wholeTasks: [id] })).tasks).toMatchObject([{ revision: 2 }]);
    await expect(postgresStore({ url, shared: true }).boot()).rejects.toMatchObject({
      reason: "STORE_TOO_NEW",
    });
  });

  test("nodes that start at the same time on an empty database all find its tables", async () => {
    const url = server.url("together");
    const stores = await Promise.all([1, 2, 3, 4].map(() => opened(url, true)));
    await Promise.all(stores.map(({ nodes }, i) => nodes.join(nodeInfo(`node-${i}` as NodeId), LEASE)));
    expect((await stores[0]?.nodes.list())?.length).toBe(4);
  });

  test("what was written before stores were shared is there: held Runs name no node, and waiting Tasks are counted", async () => {
    const { migrations } = await import("#stores/postgres/migrations/index");
    await server.query("CREATE SCHEMA before");
    const sql = `SET search_path = before; CREATE TABLE migrations (version integer PRIMARY KEY,
      applied_at timestamptz NOT NULL DEFAULT now()); ${migrations.slice(0, 2).join("\n")}
      INSERT INTO migrations (version) VALUES (1), (2);
      INSERT INTO tasks VALUES ('t1', 'n1', 1, 'PENDING', NULL, 0, NULL, 'echo', '{}', '{}', '{}'),
        ('t2', 'n1', 1, 'RUNNING', NULL, 0, NULL, 'echo', '{}', '{}', '{}');
      INSERT INTO runs VALUES ('r1', 't2', 1, NULL, true, '{"id":"r1","taskId":"t2"}', '{"revision":1,"heldBy":"s1"}')`;
    await server.query(sql);
    const { store, nodes } = await opened(server.url("before"), true);
    expect((await store.boot()).waiting).toEqual(new Map([["n1", 1]]));
    expect(await nodes.runsOf("", undefined, 10)).toMatchObject([{ id: "r1", heldBy: "s1" }]);
    const [held] = await server.query("SELECT held_by FROM before.runs");
    expect(held).toEqual({ held_by: "s1" });
  });
}
