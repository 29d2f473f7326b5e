/**
 * Several real servers over one PostgreSQL, with twenty workers. `NODES_SECONDS` says for how long nodes are killed and
 * frozen and the database is restarted, if not for two minutes; `KILL_SEED` repeats the choices.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasEnded, type TaskEvent } from "#client/index";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { Cluster } from "./kit/cluster.js";
import { expectWholeStory } from "./kit/content.js";
import { pause, until } from "./kit/harness.js";
import { check, flowTemplate, Ledger, randomFrom, SETTLE_MS } from "./kit/ledger.js";

const seconds = Number(process.env.NODES_SECONDS ?? 120);
const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);
/** What a Task waits at most because a wake-up was lost. */
const WAKE_MS_MAX = 5_000;

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

describe.skipIf(noPostgres !== undefined)("nodes over one PostgreSQL", () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await PostgresServer.start(["fsync=on"]);
  });
  afterAll(async () => {
    await postgres.remove();
  });

  test("created here, watched there, cancelled on a third node, signalled on a fourth", async () => {
    const cluster = await Cluster.start(postgres, 4);
    const [first, second, third, fourth] = [0, 1, 2, 3].map((node) => cluster.client(node));
    if (!first || !second || !third || !fourth) throw new Error("four clients");
    try {
      await first.templates.register(flowTemplate);
      await cluster.workers("here", 2, [cluster.node(1).addr]);
      const began = Date.now();
      const { id } = await second.tasks.create({
        template: { name: "flow" },
        input: { items: [{ chunks: 2 }] },
      });
      const events: TaskEvent[] = [];
      const watched = (async () => {
        for await (const event of third.tasks.watch(id)) events.push(event);
      })();
      await fourth.tasks.signal(id, "go", { by: "a test" });
      const ended = await first.tasks.wait(id);
      expect(ended).toMatchObject({ status: "COMPLETED" });
      await watched;
      expectWholeStory(events);
      expect(await fourth.tasks.get(id)).toMatchObject({ status: "COMPLETED" });

      const sleeping = await first.tasks.create({ agent: "sleeper", input: {} });
      await until("it runs", async () => (await third.tasks.get(sleeping.id)).status === "RUNNING");
      expect(await fourth.tasks.cancel(sleeping.id)).toMatchObject({ status: "CANCELLED" });
      expect(await second.tasks.get(sleeping.id)).toMatchObject({ status: "CANCELLED" });
      await until("its worker is told", () =>
        cluster.stage.traces().some(({ what, taskId }) => what === "stopped" && taskId === sleeping.id),
      );
      expect(Date.now() - began, "at most one lost wake for each thing that is waited for").toBeLessThan(
        6 * WAKE_MS_MAX,
      );
    } finally {
      await cluster.end();
    }
  });

  test("one key, one Task; one version, one template, however many nodes are asked at once", async () => {
    const cluster = await Cluster.start(postgres, 3);
    const clients = [0, 1, 2].map((node) => cluster.client(node));
    try {
      for (let round = 0; round < 20; round += 1) {
        const request = { agent: "nobody", input: { round }, idempotencyKey: `key-${round}` };
        const made = await Promise.all(clients.map((client) => client.tasks.create(request)));
        expect(new Set(made.map(({ id }) => id)).size).toBe(1);
      }
      const source = (say: string) =>
        JSON.stringify({
          name: "raced",
          namespace_name: "default",
          version: "1.0.0",
          description: say,
          steps: [{ name: "only", handler: { callable: "writer" } }],
        });
      const same = await Promise.allSettled(
        clients.map((client) => client.templates.register(source("same"))),
      );
      expect(same.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
      const other = await Promise.allSettled(
        clients.map((client) => client.templates.register(source("other"))),
      );
      for (const each of other) expect(each).toMatchObject({ reason: { code: "ALREADY_EXISTS" } });
    } finally {
      await cluster.end();
    }
  });

  test("restarted one after the other, they lose no Run and refuse no client", {
    timeout: 300_000,
  }, async () => {
    const cluster = await Cluster.start(postgres, 3, "20s");
    const client = cluster.client();
    const ledger = new Ledger(client, random, { insists: false });
    let serves = true;
    const tasks: Promise<void>[] = [];
    try {
      await client.templates.register(flowTemplate);
      await cluster.workers("rolling-a", 3);
      await cluster.workers("rolling-b", 3);
      const load = (async () => {
        for (let i = 0; serves; i += 1) {
          tasks.push(i % 10 === 0 ? ledger.flow(`flow-${i}`) : ledger.task(`task-${i}`));
          await pause(150);
        }
      })();
      for (const node of cluster.nodes) {
        await pause(2_000);
        await node.proc.end("SIGTERM");
        await node.start();
      }
      await pause(2_000);
      serves = false;
      await load;
      ledger.calm();
      await Promise.all(tasks);
      await ledger.watchersDone();
      await check(ledger, client, cluster.stage.traces());
      for (const id of ledger.ids.values()) {
        const { runs } = await client.tasks.get(id);
        expect(
          runs.filter(({ status }) => status === "FAILED"),
          "no Run was lost",
        ).toEqual([]);
      }
    } finally {
      serves = false;
      await cluster.end();
    }
  });

  test(`nothing acknowledged is lost or doubled while nodes die, freeze and lose their database for ${seconds} s`, {
    timeout: seconds * 1_000 + 4 * SETTLE_MS,
  }, async () => {
    const cluster = await Cluster.start(postgres, 3);
    const client = cluster.client();
    const ledger = new Ledger(client, random);
    const tasks: Promise<void>[] = [];
    const end = Date.now() + seconds * 1_000;
    const troubles = [
      () => cluster.kill(cluster.node(Math.floor(random() * 3)), random() * 2_000),
      () => cluster.freeze(cluster.node(Math.floor(random() * 3))),
      () => cluster.endSessions(),
      () => cluster.kill(cluster.node(Math.floor(random() * 3)), 100),
      () => cluster.restartDatabase(random() < 0.5 ? "SIGINT" : "SIGKILL", random() * 1_000),
    ];
    try {
      await client.templates.register(flowTemplate);
      for (const name of ["a", "b", "c", "d"]) await cluster.workers(name, 5);
      const load = (async () => {
        for (let i = 0; Date.now() < end; i += 1) {
          tasks.push(i % 12 === 0 ? ledger.flow(`flow-${i}`) : ledger.task(`task-${i}`));
          await pause(100 + random() * 100);
        }
      })();
      for (let round = 0; Date.now() < end; round += 1) {
        await pause(1_000 + random() * 3_000);
        await troubles[round % troubles.length]?.();
      }
      await load;
      ledger.calm();
      await Promise.all(tasks);
      await ledger.watchersDone();
      await check(ledger, client, cluster.stage.traces());

      for (let node = 0; node < 3; node += 1) {
        const began = Date.now();
        const task = await cluster.client(node).tasks.create({ agent: "writer", input: { chunks: 1 } });
        const seen = await cluster.client((node + 1) % 3).tasks.wait(task.id);
        expect(hasEnded(seen), `created on ${node}, done on any node`).toBe(true);
        expect(Date.now() - began).toBeLessThan(WAKE_MS_MAX);
      }
    } catch (error) {
      throw new Error(`with KILL_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      await cluster.end();
    }
  });
});
