/** The example of two servers over one database, as anybody would run it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { root } from "./kit/harness.js";

async function example(env: NodeJS.ProcessEnv): Promise<{ readonly code: unknown; readonly said: string }> {
  const { NODES_STORE: _, ...others } = process.env;
  const child = spawn(process.execPath, [join(root, "examples/nodes.mjs")], {
    cwd: root,
    env: { ...others, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const [code] = await once(child, "exit");
  return { code, said };
}

test("without a database it says what to set", async () => {
  const { code, said } = await example({});

  expect(said).toMatch(/^Set NODES_STORE to the URL of a PostgreSQL database/);
  expect(code).toBe(2);
});

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

describe.skipIf(noPostgres !== undefined)("over a database", () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await PostgresServer.start();
  });
  afterAll(() => postgres.remove());

  test("a run goes on when the server is killed that its worker is connected to", {
    timeout: 120_000,
  }, async () => {
    const { code, said } = await example({ NODES_STORE: postgres.url("example") });

    expect(said).toMatch(/has the worker: it is killed now\./);
    expect(said).toMatch(/went on: the task is COMPLETED after 1 attempt/);
    expect(code).toBe(0);
  });
});
