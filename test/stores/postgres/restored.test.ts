/** A database cannot tell that it has been restored: an operator says so, and a new incarnation begins. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { instant, millis } from "#domain/time/time";
import { figuresOf } from "#stores/postgres/figures";
import { postgresStore } from "#stores/postgres/index";
import { beginIncarnation } from "#stores/postgres/restored";
import { commit, line, step, task, taskId } from "#testing/rows";
import { noPostgres, PostgresServer } from "./server.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

const onPostgres = test.skipIf(noPostgres !== undefined);
let server: PostgresServer;
beforeAll(async () => {
  if (noPostgres === undefined) server = await PostgresServer.start();
});
afterAll(() => server?.stop());

onPostgres("each restoration that is said begins another life, after all that was stored", async () => {
  const url = server.url();
  for (const shared of [false, true]) {
    const store = postgresStore({ url, shared });
    const { restored: before, at } = await store.boot();
    const until = instant(Math.max(at, 1_000));
    if (!shared) await store.commit(commit({ at: until, tasks: [task(taskId(1))] }));
    await store.close();

    const life = await beginIncarnation(url);
    expect(life.id).not.toBe(before?.id);
    expect(life.since).toBe(until + 1);
    const again = postgresStore({ url, shared });
    const boot = await again.boot();
    expect(boot).toMatchObject({ restored: life, at: life.since });
    await again.close();
  }
});

onPostgres("what the tasks of each namespace take up is counted beside a server", async () => {
  const url = server.url();
  const store = postgresStore({ url });
  await store.boot();
  for (const [n, namespace] of ["a", "b"].entries()) {
    const id = taskId(n + 1);
    await store.commit(
      commit({
        tasks: [task(id, { namespace })],
        steps: [step(id)],
        inputs: [{ taskId: id, json: '{"a":1}' }],
        outputs: [{ taskId: id, stepName: "main", json: `"${"x".repeat(100 * (n + 1))}"` }],
        log: [{ taskId: id, entries: [line("one")] }],
      }),
    );
  }
  const { namespaces, bytes } = await figuresOf(url);
  expect(namespaces.map(({ namespace, tasks, steps, runs }) => [namespace, tasks, steps, runs])).toEqual([
    ["a", 1, 1, 0],
    ["b", 1, 1, 0],
  ]);
  expect(namespaces.every(({ inputBytes, logBytes }) => inputBytes >= 7 && logBytes > 20)).toBe(true);
  expect(namespaces[1]?.resultBytes).toBeGreaterThan(Number(namespaces[0]?.resultBytes));
  expect(bytes).toBeGreaterThan(8_192);
  await store.close();
  await expect(figuresOf(server.url())).rejects.toMatchObject({ code: "not_found" });
});

onPostgres("it is refused while a server uses the database, alone or as one of several nodes", async () => {
  const url = server.url();
  const alone = postgresStore({ url });
  await alone.boot();
  await expect(beginIncarnation(url)).rejects.toMatchObject({ reason: "STORE_LOCKED" });
  await alone.close();

  const node = postgresStore({ url, shared: true });
  await node.boot();
  await node.nodes?.join(
    { id: "n1", version: "1", hostname: "here", addresses: [] } as never,
    millis(60_000),
  );
  await expect(beginIncarnation(url)).rejects.toMatchObject({ reason: "STORE_LOCKED" });
  await node.nodes?.leave("n1" as never);
  expect((await beginIncarnation(url)).id).toMatch(/^[0-9a-f]{16}$/);
  await node.close();
});
