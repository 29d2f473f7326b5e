/**
 * A demonstration of half a minute: a server and two workers, each a process of its own, triage the tickets of
 * `tickets.json`, report on these sources, and draft replies. Half-way through, one worker is killed, and the other
 * takes over its runs. The exit code is 0 only if every task completed exactly once.
 *
 *     npm ci && npm run demo
 *     DEMO_STORE=postgres://user@host/database npm run demo     over a database of yours
 */
import { rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Killer } from "./demo/killer.mjs";
import { freePorts, Processes, until } from "./demo/processes.mjs";
import { broken, LiveOutput, say, summary } from "./demo/report.mjs";

/** The longest the demo may take. */
const DEMO_MS = 30_000;
/** A lost worker's runs are reassigned soon after this; with the default of 30 s the demo would take too long. */
const LEASE = "3s";
const HEARTBEAT = "500ms";
const WORKERS = ["ada", "bob"];
/** Replies are drafted in batches, with this pause before each, so that a run is long enough to be interrupted. */
const TICKETS_PER_BATCH = 5;
const PAUSE_MS = 300;
/** Drafts of a batch that its worker writes before it is killed. */
const KILL_AFTER = 2;

const started = Date.now();
const processes = new Processes();
const dir = await mkdtemp(join(tmpdir(), "taskrun-demo-"));
process.once("exit", () => {
  processes.killAll();
  rmSync(dir, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

const overdue = setTimeout(() => fail([`not done within ${DEMO_MS / 1_000} s`]), DEMO_MS);
try {
  const problems = await demo();
  clearTimeout(overdue);
  await processes.stopAll();
  if (problems.length > 0) fail(problems);
  say(`\nEvery task completed exactly once, in ${((Date.now() - started) / 1_000).toFixed(1)} s.`);
} catch (error) {
  fail([error.stack]);
}

function fail(problems) {
  console.error(`\nThe demo failed:\n${problems.join("\n")}\n${processes.lastWords()}`);
  process.exit(1);
}

/** @returns what went wrong */
async function demo() {
  const { createClient } = await import("taskrun/client").catch((cause) => {
    throw new Error("TaskRun is not built: run `npm ci` (or `npm run build`) first", { cause });
  });
  const [grpc, http] = await freePorts(2);
  const addr = `127.0.0.1:${grpc}`;

  say(
    `Starting a server and ${WORKERS.length} workers. The lease is ${LEASE} and a heartbeat comes every ${HEARTBEAT},`,
  );
  say("instead of 30 s and 5 s, so that the loss of a worker shows soon.");
  const store = process.env.DEMO_STORE;
  if (store !== undefined) say("The tasks are kept in the database of DEMO_STORE.");
  const listeners = ["--grpc", addr, "--http", `127.0.0.1:${http}`];
  const terms = ["--lease", LEASE, "--heartbeat", HEARTBEAT];
  processes.start("server", ["server", "--data", dir, ...listeners, ...terms], {
    // Not as a flag: every user of a machine sees command lines.
    more: store === undefined ? {} : { TASKRUN_STORE: store },
  });
  for (const id of WORKERS)
    processes.start(id, ["worker", "--addr", addr, "--id", id, "--max-runs", "4", ...agents()]);

  const client = createClient({ addr });
  try {
    await until("the server and both workers are up", 10_000, async () => {
      return (await client.workers.list()).length === WORKERS.length;
    });
    const wanted = await work();
    const created = await client.tasks.createMany(wanted.map(({ request }) => request));
    say(`${created.length} tasks created, each with up to 3 attempts.\n`);

    const killer = new Killer(processes, KILL_AFTER, LEASE);
    const watched = await Promise.all(created.map((one, i) => follow(client, one, wanted[i], killer)));
    say(`\n${summary(watched)}`);
    return [...watched.flatMap(broken), ...killer.verdict(watched)];
  } finally {
    client.close();
  }
}

/** Two built-in agents, and one that is a program. */
function agents() {
  const program = `'${process.execPath}' examples/draft-replies.mjs`;
  return ["--agent", "support_triage", "--agent", "repo_report", "--exec", `draft_replies=${program}`];
}

/** The tasks, each with the texts that must be in its output, and how often. */
async function work() {
  const tickets = JSON.parse(await readFile(new URL("./tickets.json", import.meta.url), "utf8"));
  const batches = Array.from({ length: Math.ceil(tickets.length / TICKETS_PER_BATCH) }, (_, i) =>
    tickets.slice(i * TICKETS_PER_BATCH, (i + 1) * TICKETS_PER_BATCH),
  );
  const task = (title, agent, input, expect = []) => {
    return { title: title.padEnd(14), expect, request: { agent, input, maxAttempts: 3, createdBy: "demo" } };
  };

  say(`draft_replies waits ${PAUSE_MS} ms before each reply, on purpose; nothing else is slowed down.`);
  return [
    ...batches.map((batch, i) => {
      const expect = batch.map(({ id }) => [`${id}:`, 1]);
      return task(`replies ${i + 1}`, "draft_replies", { tickets: batch, pause_ms: PAUSE_MS }, expect);
    }),
    ...tickets.map(({ id, query }) =>
      task(`triage ${id}`, "support_triage", { id, query }, [["Verdict:", 1]]),
    ),
    ...["src", "actors", "test"].map((path) =>
      task(`report ${path}`, "repo_report", { path }, [["## Totals", 1]]),
    ),
  ];
}

/** Watches one task to its end and prints its output. */
async function follow(client, created, { title, expect }, killer) {
  if (!created.ok) throw created.error;
  const { id } = created.task;
  const [events, output, workerOf] = [[], new Map(), new Map()];
  const live = new LiveOutput(title);
  let who = "";

  for await (const event of client.tasks.watch(id)) {
    events.push(event);
    if (event.type === "run") {
      workerOf.set(event.run.id, event.run.workerId);
      if (event.run.status === "FAILED") {
        say(`${title} ${event.run.workerId} ✗ attempt ${event.run.attempt} failed: ${event.run.reason}`);
        live.restart();
      }
    }
    if (event.type === "output") {
      const { runId, content } = event.output;
      who = workerOf.get(runId) ?? "";
      output.set(runId, [...(output.get(runId) ?? []), event.output]);
      live.take(content, who);
      if (title.startsWith("replies")) killer.see(who, output.get(runId).length);
    }
  }
  live.end(who);
  return { title: title.trim(), task: await client.tasks.get(id), events, output, expect };
}
