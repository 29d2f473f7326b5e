/**
 * A real server on a real PostgreSQL: the server is killed, the database is restarted and crashes, and its sessions are
 * ended, while clients create, watch and cancel. `KILL_SEED` repeats a run's choices.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { pause, root, Stage } from "./kit/harness.js";
import { check, Ledger, randomFrom, SETTLE_MS } from "./kit/ledger.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const rounds = Number(process.env.POSTGRES_ROUNDS ?? 12);
  const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  const stage = new Stage();
  const postgres = await PostgresServer.start(["fsync=on"]);
  afterAll(async () => {
    await stage.end();
    await postgres.remove();
  });

  const endSessions = () =>
    postgres.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'taskrun%'",
    );
  const restart = async (signal: NodeJS.Signals) => {
    await postgres.stop(signal);
    await pause(random() * 1_000);
    await postgres.run();
  };

  test("nothing acknowledged is lost while server and database are killed and restarted in turn", {
    timeout: rounds * 20_000 + 2 * SETTLE_MS,
  }, async () => {
    const server = await stage.server({ lease: "3s", heartbeat: "500ms", store: postgres.url("killed") });
    const client = stage.client(server.addr);
    const ledger = new Ledger(client, random);
    await stage.worker(server.addr, { id: "sdk-a" });
    await stage.worker(server.addr, { id: "sdk-b" });
    const troubles = [() => server.restart(), endSessions, () => restart("SIGINT"), () => restart("SIGKILL")];
    const tasks: Promise<void>[] = [];
    try {
      for (let round = 0; round < rounds; round += 1) {
        const end = Date.now() + 300 + random() * 700;
        while (Date.now() < end) {
          tasks.push(ledger.task(`round-${round}-${tasks.length}`));
          await pause(30 + random() * 100);
        }
        await troubles[round % troubles.length]?.();
      }
      ledger.calm();
      await Promise.all(tasks);
      await ledger.watchersDone();
      await check(ledger, client, stage.traces());
    } catch (error) {
      const message = `with KILL_SEED=${seed}: ${(error as Error).message}`;
      throw new Error(message, { cause: error });
    }
    expect(server.proc.over).toBe(false);
  });

  test("while the database is away requests are told so, and /health says it; no password is shown", async () => {
    const server = await stage.server({ store: postgres.url("away") });
    // Once, and not again and again as a client does: without its database for ten seconds a server ends.
    const create = async () => {
      const answer = await fetch(`http://${server.httpAddr}/taskrun.v1.TaskService/CreateTask`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ agentName: "echo" }),
      });
      return (await answer.json()) as object;
    };
    await postgres.stop("SIGKILL");
    expect(await create()).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/store|database/),
    });
    const health = await server.page("/health");
    expect(JSON.parse(health)).toMatchObject({ status: "degraded", store: { since: expect.any(Number) } });
    expect(health).toMatch(/cannot be reached/);
    await postgres.run();
    for (;;) {
      const { status } = JSON.parse(await server.page("/health")) as { status: string };
      if (status === "healthy") break;
      await pause(50);
    }
    expect(await create()).toMatchObject({ status: "TASK_STATUS_PENDING" });
    expect(server.proc.stdout + server.proc.stderr + health).not.toMatch(/secret/);
  });

  test("the demo runs over a database", { timeout: 60_000 }, async () => {
    const demo = spawn(process.execPath, [join(root, "examples/demo.mjs")], {
      cwd: root,
      env: { ...process.env, DEMO_STORE: postgres.url("demo") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [demo.stdout, demo.stderr]) stream.on("data", (text) => (said += text));
    const [code] = await once(demo, "exit");
    expect(said).toMatch(/Every task completed exactly once/);
    expect(code).toBe(0);
    const [row] = await postgres.query(
      "SELECT count(*)::int AS count FROM demo.tasks WHERE status = 'COMPLETED'",
    );
    expect(Number(row?.count)).toBeGreaterThan(10);
  });
}
