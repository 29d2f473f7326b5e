/** A server that is restarted while many workers hold runs: all come back within their lease, and no run is lost. */
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import type { TaskRunClient } from "#client/index";
import { agent, serve, type WorkerHandle } from "#worker/index";
import { pause, Stage, until } from "./kit/harness.js";

const WORKERS = 40;
/** By hand more often, and with other figures. */
const TRIALS = Number(process.env.RESTART_TRIALS ?? 1);
const OUTAGE_MS = Number(process.env.RESTART_OUTAGE_MS ?? 5_000);
/** The server asks for two heartbeats in a lease, the fewest that it may ask for. */
const LEASE_MS = Number(process.env.RESTART_LEASE_MS ?? 20_000);

const stage = new Stage();
const fleet: WorkerHandle[] = [];

afterAll(async () => {
  for (const worker of fleet) worker.close();
  await Promise.allSettled(fleet.map(({ closed }) => closed));
  await stage.end();
});

/** Agents that hold their runs until the gate opens. */
class Gate {
  #open = (): void => {};
  readonly opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  readonly open = (): void => this.#open();
}

/** Workers in this process, each with room for one run. Connections are counted since the last restart. */
async function startFleet(addr: string) {
  const state = { connected: new Set<string>(), gate: new Gate() };
  const hold = agent({
    name: "hold",
    input: z.object({}),
    run: (_, ctx) =>
      new Promise<object>((resolve, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        void state.gate.opened.then(() => resolve({}));
      }),
  });
  for (let i = 0; i < WORKERS; i += 1) {
    const id = `fleet-${fleet.length}`;
    const onConnected = () => state.connected.add(id);
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    const options = { addr, id, maxRuns: 1, agents: [hold], handleSignals: false, log: silent, onConnected };
    fleet.push(await serve(options));
  }
  await until("the fleet is connected", () => state.connected.size === WORKERS);
  return state;
}

/** A Task for each worker that no loss is forgiven, and all of them begun. */
async function occupy(client: TaskRunClient): Promise<string[]> {
  const requests = Array.from({ length: WORKERS }, () => ({ agent: "hold", maxLosses: 0 }));
  const made = await client.tasks.createMany(requests);
  const ids = made.map((each) => (each.ok ? each.task.id : ""));
  await until("every worker has its run", async () => {
    const { tasks } = await client.tasks.page({ status: "RUNNING", pageSize: 1_000 });
    return tasks.filter(({ id }) => ids.includes(id)).length === WORKERS;
  });
  return ids;
}

test(`an outage of ${OUTAGE_MS} ms loses no run of forty workers, with a lease of ${LEASE_MS} ms`, {
  timeout: 180_000 * TRIALS,
}, async () => {
  const server = await stage.server({ lease: `${LEASE_MS}ms`, heartbeat: `${LEASE_MS / 2}ms` });
  const client = stage.client(server.addr);
  const state = await startFleet(server.addr);

  for (let trial = 1, counted = 0; counted < TRIALS; trial += 1) {
    expect(trial, "too many restarts took longer than a worker can wait").toBeLessThan(3 * TRIALS + 5);
    state.gate = new Gate();
    const ids = await occupy(client);
    await pause(Math.random() * 4_000); // anywhere between two heartbeats

    const killedAt = Date.now();
    await server.proc.end("SIGKILL");
    state.connected.clear();
    await pause(OUTAGE_MS);
    await server.start();
    const downMs = Date.now() - killedAt;
    await until("the fleet is back", () => state.connected.size === WORKERS);
    const backMs = Date.now() - killedAt;
    state.gate.open();
    const ended = await Promise.all(ids.map((id) => client.tasks.wait(id)));
    const lost = ended.filter(({ status, runs }) => status !== "COMPLETED" || runs.length !== 1);
    console.info(`trial ${trial}: down ${downMs} ms, all back after ${backMs} ms, ${lost.length} runs lost`);
    // A machine with too much to do starts a server too slowly: then the outage was another one than meant.
    if (downMs > LEASE_MS * 0.6) continue;
    counted += 1;
    expect(lost.map(({ errorMessage }) => errorMessage)).toEqual([]);
  }
});
