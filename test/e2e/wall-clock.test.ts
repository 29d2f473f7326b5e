/** A real server that is started with a wall clock that is wrong by years, and then with a right one. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { type Server, Stage } from "./kit/harness.js";

const YEARS_10 = 10 * 365.25 * 86_400_000;
const MINUTE = 60_000;
const preload = fileURLToPath(new URL("./fixtures/wall-clock.mjs", import.meta.url));

let stage = new Stage();
afterEach(async () => {
  await stage.end();
  stage = new Stage();
});

/** Ends the server and starts it on the same data, under a wall clock that is wrong by so much. */
async function restart(server: Server, shift: number, settings = ""): Promise<void> {
  const cwd = dirname(server.data);
  writeFileSync(join(cwd, "wall-clock"), String(shift));
  writeFileSync(join(cwd, "taskrun.toml"), settings);
  await server.restart();
}

const started = (server: Server) => server.proc.stdout;

test("a wall clock ten years ahead ends nothing, removes nothing, and is forgotten at the next right start", async () => {
  const server = await stage.server({ node: ["--import", preload] });
  const { tasks } = stage.client(server.addr);
  const waiting = await tasks.create({ agent: "nobody", timeoutMs: 10 * MINUTE });
  const ended = await tasks.create({ agent: "nobody", idempotencyKey: "order-7" });
  await tasks.cancel(ended.id);

  await restart(server, YEARS_10);
  expect(started(server)).toContain("and was not believed");
  expect(server.proc.stderr).toMatch(/"level":"error".*wall clock said 203\d-.*--accept-clock/);
  expect(JSON.parse(await server.page("/health"))).toMatchObject({
    status: "degraded",
    clock: { message: expect.stringMatching(/^the wall clock said 203\d-/) },
  });
  expect((await tasks.get(waiting.id)).status).toBe("PENDING");
  expect((await tasks.create({ agent: "nobody", idempotencyKey: "order-7" })).id).toBe(ended.id);
  const dated = await tasks.create({ agent: "nobody" });
  expect(Math.abs(dated.createdAtMs - Date.now())).toBeLessThan(MINUTE);

  await restart(server, 0);
  expect(started(server)).not.toContain("warning");
  const last = await tasks.create({ agent: "nobody" });
  expect(Math.abs(last.createdAtMs - Date.now())).toBeLessThan(MINUTE);
  const listed: string[] = [];
  for await (const { id } of tasks.list()) listed.push(id);
  expect(listed).toEqual([last.id, dated.id, ended.id, waiting.id]);
});

test("an operator's word makes it believed, and a clock that is far behind is told", async () => {
  const server = await stage.server({ node: ["--import", preload] });
  const { tasks } = stage.client(server.addr);
  const waiting = await tasks.create({ agent: "nobody", timeoutMs: 10 * MINUTE });

  await restart(server, -YEARS_10);
  expect(started(server)).toContain("before the last thing this data directory remembers");
  expect((await tasks.get(waiting.id)).status).toBe("PENDING");

  await restart(server, YEARS_10, "accept-clock = true\n");
  expect(started(server)).not.toContain("warning");
  await expect.poll(async () => (await tasks.get(waiting.id)).status, { timeout: 10_000 }).toBe("FAILED");

  await restart(server, 0);
  expect(started(server)).toContain("Time never goes back");
});
