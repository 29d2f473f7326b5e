/**
 * Workers are killed, and frozen for longer than their lease, at random moments while they work for clients that
 * create, watch and cancel. `KILL_ROUNDS` says how often, if not 100 times; `KILL_SEED` repeats the choices.
 */
import { afterAll, expect, test } from "vitest";
import { type Proc, pause, Stage } from "./kit/harness.js";
import { check, Ledger, randomFrom, SETTLE_MS } from "./kit/ledger.js";

const rounds = Number(process.env.KILL_ROUNDS ?? 100);
const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));
const TASKS_PER_ROUND = 6;
/** The lease of 1 s, what the server waits beyond it, and long enough for the runs to be given to others. */
const FROZEN_MS = 1_500;
const ROUND_MS_MAX = 15_000;

const stage = new Stage();
afterAll(() => stage.end());

const random = randomFrom(seed);

test(`nothing acknowledged is lost over ${rounds} deaths and frosts of workers`, {
  timeout: rounds * ROUND_MS_MAX + 2 * SETTLE_MS,
}, async () => {
  const server = await stage.server({ lease: "1s", heartbeat: "200ms" });
  const client = stage.client(server.addr);
  const ledger = new Ledger(client, random);
  const workers: Proc[] = [];
  for (const id of ["a", "b", "c"]) workers.push(await stage.worker(server.addr, { id }));
  const tasks: Promise<void>[] = [];
  const thaws: Promise<void>[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (let i = 0; i < TASKS_PER_ROUND; i += 1) {
        tasks.push(ledger.task(`round-${round}-${i}`));
        await pause(random() * 60);
      }
      const victim = workers.shift() as Proc;
      if (random() < 0.5) {
        await victim.end("SIGKILL");
        workers.push(stage.workerWithoutWaiting(server.addr, { id: `round-${round}` }));
      } else {
        victim.signal("SIGSTOP");
        thaws.push(pause(FROZEN_MS).then(() => victim.signal("SIGCONT")));
        workers.push(victim);
      }
      await pause(random() * 600);
    }
    ledger.calm();
    await Promise.all([...tasks, ...thaws]);
    await ledger.watchersDone();
    await check(ledger, client, stage.traces());
    expect(await server.metric("taskrun_runs_held"), "every slot is free again").toBe(0);
  } catch (error) {
    const where = `with KILL_SEED=${seed} KILL_ROUNDS=${rounds}`;
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
});
