/** Workers and clients that know orchestrator.v1 alone, at different servers over one PostgreSQL. */
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Gateway, TaskStatus } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { type Server, Stage, until } from "./kit/harness.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

describe.skipIf(noPostgres !== undefined)("two nodes over one PostgreSQL", () => {
  const stage = new Stage();
  let postgres: PostgresServer;
  let nodes: readonly Server[];
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    const settings = { store: postgres.url(), lease: "3s", publicLease: "3s", heartbeat: "500ms" };
    nodes = [await stage.server(settings), await stage.server(settings)];
  });
  afterAll(async () => {
    await stage.end();
    await postgres?.remove();
  });

  const addrOf = (node: number) => nodes[node]?.addr ?? "";
  const gateway = (node: number) =>
    createClient(Gateway, createGrpcTransport({ baseUrl: `http://${addrOf(node)}` }));
  const slotWorker = (node: number, id: string, slots: number) =>
    stage.node(["test/e2e/fixtures/slot-worker.mjs", addrOf(node), id, String(slots)]);
  const submit = async (node: number, payload: object) => {
    const bytes = new TextEncoder().encode(JSON.stringify(payload));
    return (await gateway(node).submitTask({ name: "resize", payload: bytes, maxRetries: 2 })).taskId;
  };

  test("a Task is submitted here, done by a worker there, and followed here to its end", async () => {
    const worker = slotWorker(1, "there", 2);
    const ids = await Promise.all([1, 2, 3, 4].map(() => submit(0, { ms: 100 })));
    for (const taskId of ids) {
      const seen = [];
      for await (const { status } of gateway(0).subscribeProgress({ taskId })) seen.push(status);
      expect(seen.at(-1)).toBe(TaskStatus.COMPLETED);
    }
    const client = stage.client(addrOf(0));
    const tasks = await Promise.all(ids.map((id) => client.tasks.get(id)));
    expect(new Set(tasks.map(({ outputJson }) => outputJson))).toEqual(new Set(['{"worker":"there"}']));
    await worker.end("SIGKILL");
  });

  test("what a worker held at a node that is killed is done by one at the other node", async () => {
    const lost = slotWorker(1, "lost", 1);
    const id = await submit(0, { ms: 2_000 });
    await lost.said("it has begun", ({ stdout }) => stdout.includes(id));
    await lost.end("SIGKILL");
    const taker = slotWorker(0, "taker", 1);
    await nodes[1]?.proc.end("SIGKILL");
    const client = stage.client(addrOf(0));
    await until("it has ended", async () => (await client.tasks.get(id)).status === "COMPLETED", 60_000);
    const { runs } = await client.tasks.get(id);
    expect(runs.map(({ workerId, reason }) => [workerId, reason])).toEqual([
      ["lost", "WORKER_LOST"],
      ["taker", ""],
    ]);
    await taker.end("SIGKILL");
  });
});
