/**
 * Two servers over one PostgreSQL database, and a worker that is given the addresses of both. The server that the worker is
 * connected to is killed while the agent runs; the worker goes to the other one, and the task completes in one attempt.
 *
 *     NODES_STORE=postgres://user@host/database node examples/nodes.mjs
 *
 * The exit code is 0 only if the task completed, with all of its output.
 */
import { freePorts, Processes, until } from "./demo/processes.mjs";

const LINES = 40;
const PAUSE_MS = 250;

const store = process.env.NODES_STORE;
if (!store) {
  console.error("Set NODES_STORE to the URL of a PostgreSQL database, for example");
  console.error("  NODES_STORE=postgres://user@localhost/database?schema=example node examples/nodes.mjs");
  process.exit(2);
}
const { createClient } = await import("taskrun/client");
const { agent, serve } = await import("taskrun/worker");

const processes = new Processes();
process.once("exit", () => processes.killAll());
const ports = await freePorts(2);
const addrs = ports.map((port) => `127.0.0.1:${port}`);
for (const [i, addr] of addrs.entries()) {
  processes.start(`server ${i}`, ["server", "--grpc", addr, "--http", "off"], {
    more: { TASKRUN_STORE: store },
  });
}

/** Several addresses, as clients and workers are given them: one is used, and another one when that fails. */
const client = createClient({ addr: addrs });
let attempts = 0;
const count = agent({
  name: "count",
  async *run() {
    attempts += 1;
    for (let line = 1; line <= LINES; line += 1) {
      yield `${line}\n`;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return { lines: LINES };
  },
});

let worker;
try {
  await until("both servers are live", 30_000, async () => (await live()).length === 2);
  worker = await serve({ addr: addrs, agents: [count], id: "nodes-example" });
  await until("the worker is connected", 30_000, async () => (await client.workers.list()).length === 1);
  const { id } = await client.tasks.create({ agent: "count", input: {} });
  await until("the run is under way", 30_000, async () => (await client.tasks.get(id)).status === "RUNNING");

  const [victim] = (await live()).filter(({ workers }) => workers > 0);
  console.log(`${victim.address} has the worker: it is killed now.`);
  processes.kill(`server ${addrs.indexOf(victim.address)}`);
  const task = await client.tasks.wait(id);
  const other = addrs.find((addr) => addr !== victim.address);
  console.log(`${other} went on: the task is ${task.status} after ${attempts} attempt of its agent.`);
  process.exitCode = task.status === "COMPLETED" && attempts === 1 ? 0 : 1;
} catch (error) {
  console.error(`${error.stack}\n${processes.lastWords()}`);
  process.exitCode = 1;
} finally {
  await worker?.drain();
  client.close();
  await processes.stopAll();
}

/** The nodes of this example that are at work, whatever else the database knows. */
async function live() {
  const nodes = await client.nodes.list();
  return nodes.filter(({ state, address }) => state === "live" && addrs.includes(address));
}
