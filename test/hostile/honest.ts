/**
 * The honest client, a process of its own: ordinary work all the time, by the real SDK over both listeners, each
 * answer compared with what it must be. It knows all that the server has acknowledged, and asks for it in the end.
 */
import { createClient, hasEnded, outputOf, type TaskRunClient, TaskRunError } from "#client/index";
import { answer } from "../bench/child.js";
import { HONEST } from "./target.js";

export type Order = { readonly type: "begin" } | { readonly type: "end" } | { readonly type: "count" };

export interface Report {
  /** How long each call took: a create, a watch to the Task's end, a read. Milliseconds, sorted. */
  readonly calls: readonly number[];
  readonly tasks: number;
  /** Tasks that were acknowledged and lost, made twice, or done wrong; each in words. */
  readonly problems: readonly string[];
}

/** Lanes at work at a time, each with one Task, and how long one rests between two of them. */
const LANES = 6;
const REST_MS = 25;
/** A Task that has not ended so long after the last one was created is lost. */
const SETTLE_MS = 45_000;
const PROBLEMS_MAX = 20;
const TEMPLATE = { namespace: HONEST, name: "flow", version: "1.0.0" };
/** A map, a timer beside it, and a step that comes after both. */
const FLOW = {
  ...{ name: TEMPLATE.name, namespace_name: HONEST, version: TEMPLATE.version },
  steps: [
    { name: "fan", type: "map", handler: { callable: "double" }, map: { over: "input/list" } },
    { name: "pause", type: "timer", timer: { delay_ms: 5 } },
    { name: "sum", handler: { callable: "sum" }, dependencies: ["fan", "pause"] },
  ],
};

const clients = process.argv.slice(2).map((addr) => createClient({ addr, namespace: HONEST }));
const ids = new Set<string>();
let made = 0;
let calls: number[] = [];
let problems: string[] = [];
let open = new Map<string, string>();
let working = false;
let lanes: Promise<unknown> = Promise.resolve();

await insist(() => firstClient().templates.register(JSON.stringify(FLOW)));
answer<Order, Report>(async ({ type }) => {
  if (type === "begin") begin();
  if (type === "end") await end();
  if (type === "count") await count();
  return { calls: calls.sort((a, b) => a - b), tasks: calls.length / 3, problems };
});

function begin(): void {
  [calls, problems, open] = [[], [], new Map()];
  working = true;
  lanes = Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));
}

async function end(): Promise<void> {
  working = false;
  const late = new Promise<void>((resolve) => setTimeout(resolve, SETTLE_MS).unref());
  await Promise.race([lanes, late]);
  for (const [id, key] of open) problem(`lost: Task ${id} (${key}) was acknowledged and has not ended`);
}

/** Every Task of the namespace is one that was asked for, and acknowledged. */
async function count(): Promise<void> {
  problems = [];
  let listed = 0;
  for await (const { id } of firstClient().tasks.list({ pageSize: 1_000 })) {
    listed += 1;
    if (!ids.has(id)) problem(`doubled: Task ${id} was never acknowledged`);
  }
  if (listed < ids.size) problem(`lost: ${ids.size} Tasks were acknowledged, ${listed} are listed`);
}

async function work(lane: number): Promise<void> {
  const client = clients[lane % clients.length] ?? firstClient();
  while (working) {
    made += 1;
    const key = `${process.pid}-${made}`;
    try {
      await (made % 3 === 0 ? flow(client, key) : talk(client, key));
    } catch (error) {
      problem(`${key}: ${error}`);
    }
    await rest(Math.random() * 2 * REST_MS);
  }
}

async function talk(client: TaskRunClient, key: string): Promise<void> {
  await task(client, key, { agent: "talk", input: { key } }, { said: key }, `${key} one\n${key} two\n`);
}

async function flow(client: TaskRunClient, key: string): Promise<void> {
  const list = Array.from({ length: 1 + (made % 7) }, (_, i) => made + i);
  const expected = list.reduce((sum, item) => sum + 2 * item, 0);
  await task(client, key, { template: TEMPLATE, input: { list } }, expected, "");
}

/** One Task from its creation to its end: three calls, and every seventh time a repeat of the first. */
async function task(
  client: TaskRunClient,
  key: string,
  wanted: { agent?: string; template?: typeof TEMPLATE; input: unknown },
  expected: unknown,
  text: string,
): Promise<void> {
  const request = { ...wanted, idempotencyKey: key, maxAttempts: 5 };
  const { id } = await timed(() => client.tasks.create(request));
  ids.add(id);
  open.set(id, key);
  if (made % 7 === 0) {
    const again = await insist(() => client.tasks.create(request));
    if (again.id !== id) problem(`doubled: ${key} made Task ${id} and Task ${again.id}`);
  }
  const chunks = new Map<string, string>();
  await timed(async () => {
    chunks.clear();
    for await (const event of client.tasks.watch(id)) {
      if (event.type !== "output") continue;
      const { runId, content } = event.output;
      chunks.set(runId, (chunks.get(runId) ?? "") + content);
    }
  });
  const seen = await timed(() => client.tasks.get(id));
  if (!hasEnded(seen)) return problem(`Task ${id} (${key}) has not ended, but its watch has`);
  open.delete(id);
  const completed = seen.runs.filter(({ status }) => status === "COMPLETED");
  const said = completed.map((run) => chunks.get(run.id) ?? "").join("");
  const result = JSON.stringify(outputOf(seen));
  if (seen.status !== "COMPLETED") problem(`lost: Task ${id} ended ${seen.status}: ${seen.errorMessage}`);
  else if (result !== JSON.stringify(expected)) problem(`wrong: Task ${id} has the result ${result}`);
  else if (said !== text) problem(`wrong: Task ${id} said ${JSON.stringify(said.slice(0, 200))}`);
}

async function timed<Result>(call: () => Promise<Result>): Promise<Result> {
  const beganAt = performance.now();
  const result = await insist(call);
  calls.push(performance.now() - beganAt);
  return result;
}

/** What the server asks to be told later, or could not answer, is asked again: no client would do less. */
async function insist<Result>(call: () => Promise<Result>): Promise<Result> {
  const again = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED"]);
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TaskRunError) || !again.has(error.code) || tries === 1_000) throw error;
      await rest(Math.min(1_000, error.retryAfterMs || 50));
    }
  }
}

function problem(text: string): void {
  if (problems.length < PROBLEMS_MAX) problems.push(text);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function firstClient(): TaskRunClient {
  const [client] = clients;
  if (!client) throw new Error("no address was given");
  return client;
}
