/**
 * Starts a server and a worker on free ports of the loopback, registers the workflows of this folder, runs each, and
 * prints the results. The exit code is 0 if every workflow ended as expected.
 *
 *     npm run build && node examples/workflows/run.mjs
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient, outputOf } from "taskrun/client";
import { freePorts, Processes, until } from "../demo/processes.mjs";
import { say, table } from "../demo/report.mjs";
import { flows } from "./flows.mjs";
import { registerAll } from "./register.mjs";

/** Limit of the whole program. */
const MOST_MS = 60_000;

const processes = new Processes();
const dir = await mkdtemp(join(tmpdir(), "taskrun-workflows-"));
process.once("exit", () => {
  processes.killAll();
  rmSync(dir, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
const overdue = setTimeout(() => fail(new Error(`not done within ${MOST_MS / 1_000} s`)), MOST_MS);

try {
  await main();
  clearTimeout(overdue);
  await processes.stopAll();
} catch (error) {
  fail(error);
}

function fail(error) {
  console.error(`${error.stack}\n${processes.lastWords()}`);
  process.exit(1);
}

async function main() {
  const [grpc, http] = await freePorts(2);
  const addr = `127.0.0.1:${grpc}`;
  processes.start("server", ["server", "--data", dir, "--grpc", addr, "--http", `127.0.0.1:${http}`]);
  const program = fileURLToPath(new URL("worker.mjs", import.meta.url));
  processes.start("worker", [addr], { program, more: { ORDERS_FOLDER: join(dir, "orders") } });

  const client = createClient({ addr });
  try {
    await until("the server and the worker are up", 15_000, async () => {
      return (await client.workers.list()).length > 0;
    });
    const fresh = (await registerAll(client)).filter(({ created }) => created);
    say(`${fresh.length} templates registered.\n`);

    const rows = [];
    for (const flow of flows) rows.push(...(await run(client, flow)));
    say(table(["workflow", "steps", "runs", "ms", "ended as", "result"], rows, [0, 4, 5]));
  } finally {
    client.close();
  }
}

/** Runs one workflow. If it is compensated, the compensating task has a row of its own. */
async function run(client, flow) {
  const { template, input, signal } = flow;
  const { id } = await client.tasks.create({ template, namespace: template.namespace, input });
  const task = await client.tasks.wait(id, {
    onEvent: ({ type, step }) => {
      if (type !== "step" || step.name !== signal?.name || step.state !== "in_progress") return;
      client.tasks.signal(id, signal.name, signal.payload).catch(fail);
    },
  });
  if (task.status === "COMPLETED") return [row(template.name, task, flow.say(outputOf(task)))];

  const told = row(template.name, task, task.errorMessage);
  if (!task.compensatedBy) throw new Error(`${template.name} ended as ${task.status}: ${task.errorMessage}`);
  const compensation = await client.tasks.wait(task.compensatedBy);
  const what = compensation.steps.map(({ agent }) => agent).join(", then ");
  return [told, row("… compensated", compensation, what)];
}

function row(name, { steps, runs, createdAtMs, finishedAtMs, status }, result) {
  return [name, steps.length, runs.length, finishedAtMs - createdAtMs, status, result];
}
