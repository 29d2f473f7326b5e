/** A client that waits for results while its server dies, or stops, and comes back: each request one Task, one result. */
import { afterAll, expect, test } from "vitest";
import { pause, type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

const RUNS = 6;
const CHUNKS = 14;

interface Written {
  readonly runId: string;
  readonly chunks: number;
}

/** Awaits several Tasks at once, each over some seconds, while the server is interrupted twice. */
async function awaitAll(interrupt: (server: Server) => Promise<void>) {
  const server = await stage.server({ lease: "20s", heartbeat: "1s" });
  const client = stage.client(server.addr);
  await stage.worker(server.addr, { id: `w-${server.addr}`, maxRuns: RUNS });
  const lost: string[] = [];
  const runs = Array.from({ length: RUNS }, (_, i) => {
    const input = { chunks: CHUNKS + i, delayMs: 300 };
    return client.tasks.run<Written>(
      { agent: "writer", input },
      { onLost: ({ reason }) => lost.push(reason) },
    );
  });
  await until("all are waited for", async () => (await server.metric("taskrun_waiters")) === RUNS);
  await interrupt(server);
  // On a machine with too much to do all may have ended meanwhile.
  let left = RUNS;
  for (const run of runs) run.finally(() => left--).catch(() => {});
  await until("they wait again", async () => left === 0 || (await server.metric("taskrun_waiters")) > 0);
  await pause(300);
  await interrupt(server);

  const results = await Promise.all(runs);
  const { tasks } = await client.tasks.page({ pageSize: 100 });
  const whole = await Promise.all(tasks.map(({ id }) => client.tasks.get(id)));
  return { server, client, lost, results, tasks: whole };
}

test.each([
  ["killed", async (server: Server) => server.restart()],
  [
    "stopped, and told so",
    async (server: Server) => {
      expect(await server.proc.end("SIGTERM")).toBe(0);
      await server.start();
    },
  ],
] as const)(
  "a server that is %s while clients wait costs them nothing",
  { timeout: 180_000 },
  async (_, interrupt) => {
    const { server, lost, results, tasks } = await awaitAll(interrupt);

    expect(results.map((result) => result?.chunks)).toEqual(
      Array.from({ length: RUNS }, (__, i) => CHUNKS + i),
    );
    expect(tasks).toHaveLength(RUNS);
    const ran = tasks.map(({ runs }) =>
      runs.filter(({ status }) => status === "COMPLETED").map(({ id }) => id),
    );
    expect(ran.every(({ length }) => length === 1)).toBe(true);
    expect(ran.flat().sort()).toEqual(results.map((result) => result?.runId).sort());
    expect(lost.length).toBeGreaterThanOrEqual(RUNS);
    expect(await server.metric("taskrun_waiters")).toBe(0);
  },
);

test("a wait on the command line goes on over the death of the server", { timeout: 120_000 }, async () => {
  const server = await stage.server({ lease: "20s", heartbeat: "1s" });
  await stage.worker(server.addr, { id: "w-cli", maxRuns: 2 });
  const input = JSON.stringify({ chunks: 8, delayMs: 250 });
  const words = ["task", "create", "--agent", "writer", "--input", input, "--wait", "--addr", server.addr];
  const waiting = stage.run(words);
  await until("it waits", async () => (await server.metric("taskrun_waiters")) === 1);
  await server.restart();
  expect(await waiting.ended).toBe(0);
  expect(JSON.parse(waiting.stdout)).toMatchObject({ chunks: 8 });
  expect(waiting.stderr).toContain("connection lost; the wait continues when the server is back");
});
