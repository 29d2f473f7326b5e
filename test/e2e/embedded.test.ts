/** Programs that embed a plane, as processes of their own: the examples, how they end, and what survives a kill. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createClient } from "#client/index";
import { Proc, root, Stage, until } from "./kit/harness.js";

const stage = new Stage();
const example = (name: string) => join(root, "examples/embedded", name);
const alive = new Set<Proc>();

afterAll(async () => {
  for (const proc of alive) if (!proc.over) await proc.end("SIGKILL");
  await stage.end();
});

/** A program that is killed at the end, if it has not ended by then. */
function run(path: string, env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Proc {
  const proc = new Proc([path, ...args], stage.dir, env);
  alive.add(proc);
  return proc;
}

const packages = join(stage.dir, "node_modules");
mkdirSync(packages);
symlinkSync(root, join(packages, "taskrun"));
symlinkSync(join(root, "node_modules/zod"), join(packages, "zod"));
let programs = 0;

/** A program of the test's own, which imports the package by its public names. */
function program(source: string): string {
  programs += 1;
  const path = join(stage.dir, `program-${programs}.mjs`);
  writeFileSync(path, source);
  return path;
}

const said = (proc: Proc) =>
  proc.said("the program says where it listens", ({ stdout }) => /^http:\S+/.exec(stdout)?.[0]);

async function post(url: string, body: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

const text = "One. A longer sentence. The longest sentence of all.";
const summary = { summary: "A longer sentence. The longest sentence of all.", of: 3 };

describe("the examples", () => {
  test("script.mjs prints its result, and ends by itself", async () => {
    const proc = run(example("script.mjs"));

    expect(await proc.ended).toBe(0);
    expect(proc.stdout).toContain("The longest sentence of all.");
    expect(proc.stderr).toBe("");
  });

  test("fastify.mjs awaits results, streams events, serves TaskRun's protocols, and stops when told to", async () => {
    const data = join(stage.dir, "fastify");
    const proc = run(example("fastify.mjs"), { DATA: data, PORT: "0" });
    const url = await said(proc);

    expect(await post(`${url}/summaries`, { text })).toEqual({ status: 200, json: summary });
    expect((await post(`${url}/summaries`, { text, sentences: 99 })).status).toBe(400);
    const { json } = await post(`${url}/documents`, { text });
    const events = await (await fetch(`${url}/documents/${json.id}/events`)).text();
    expect(events).toContain('event: output\ndata: "A longer sentence.\\n"');
    expect(events).toMatch(/event: task\ndata: "COMPLETED"\n\n$/);
    const last = [...events.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? "";
    const resumed = await fetch(`${url}/documents/${json.id}/events`, {
      headers: { "last-event-id": `${Number(last) - 1}` },
    });
    expect(await resumed.text()).toBe(`id: ${last}\nevent: task\ndata: "COMPLETED"\n\n`);
    expect((await post(`${url}/taskrun/taskrun.v1.TaskService/ListTasks`, {})).json.tasks).toHaveLength(2);
    expect(await proc.end("SIGTERM")).toBe(0);
    expect(existsSync(join(data, "taskrun.db"))).toBe(true);
  });

  test("express.mjs serves its own route and TaskRun's protocols, and stops when told to", async () => {
    const proc = run(example("express.mjs"), { PORT: "0" });
    const url = await said(proc);

    expect(await post(`${url}/summaries`, { text })).toEqual({ status: 200, json: summary });
    expect((await post(`${url}/taskrun/taskrun.v1.TaskService/ListTasks`, {})).json.tasks).toHaveLength(1);
    expect(await (await fetch(`${url}/taskrun/health/ready`)).json()).toMatchObject({ status: "ready" });
    expect(await proc.end("SIGTERM")).toBe(0);
  });
});

const agents = `
import { startTaskRun } from "taskrun";
import { agent } from "taskrun/worker";
import { z } from "zod";
const any = z.looseObject({});
const quick = agent({ name: "quick", input: any, run: async (input) => input });
const slow = agent({ name: "slow", input: any, async *run(input, { signal, taskId }) {
  yield "begun\\n";
  if (process.env.FAST) return "done";
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
} });
`;

describe("a process that embeds a plane", () => {
  test.each(["memory", "sqlite"])(
    "over %s ends by itself once that has stopped, whatever was used",
    async (store) => {
      const proc = run(
        program(`${agents}
const options = ${JSON.stringify(store === "memory" ? { store } : { data: join(stage.dir, "ends") })};
const taskrun = await startTaskRun({ ...options, agents: [quick], drainMs: 100 });
await taskrun.serve({ agents: [slow] });
await taskrun.listen({ grpc: "127.0.0.1:0", http: "127.0.0.1:0" });
taskrun.handler({ prefix: "/x" });
await taskrun.client.tasks.run({ agent: "quick", input: {} });
const { id } = await taskrun.client.tasks.create({ agent: "slow", input: {} });
const watch = (async () => { for await (const _ of taskrun.client.tasks.watch(id)); })().catch((error) => console.log(error.reason));
await new Promise((resolve) => setTimeout(resolve, 50));
await Promise.all([taskrun.stop(), taskrun.stop()]);
await taskrun.stop();
const at = performance.now();
process.once("exit", () => console.log("ended", performance.now() - at < 500));
`),
      );

      expect(await proc.ended).toBe(0);
      expect(proc.stdout).toBe("PLANE_STOPPED\nended true\n");
    },
  );

  test("does not end while the plane is started, though nothing else waits", async () => {
    const proc = run(
      program(`${agents}
await startTaskRun({ store: "memory" });
console.log("started");
process.on("SIGUSR2", () => console.log("here"));
`),
    );
    await proc.said("it has started", ({ stdout }) => stdout.includes("started"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    proc.signal("SIGUSR2");
    await proc.said("it is still there", ({ stdout }) => stdout.includes("here"));

    expect(await proc.end("SIGKILL")).toBe("SIGKILL");
  });

  test("that is killed with Runs in hand has them go on at its next start, without waiting for a lease", async () => {
    const data = join(stage.dir, "killed");
    const source = program(`${agents}
const taskrun = await startTaskRun({ data: ${JSON.stringify(data)}, agents: [slow], lease: "1h", heartbeat: "10m" });
const { grpc: [addr] } = await taskrun.listen({ grpc: "127.0.0.1:0" });
console.log(addr);
process.once("SIGTERM", () => taskrun.stop());
`);
    const first = run(source);
    const addr = await first.said("it listens", ({ stdout }) => /^(\S+)\n/.exec(stdout)?.[1]);
    const client = createClient({ addr });
    const made = await client.tasks.createMany(
      Array.from({ length: 15 }, () => ({ agent: "slow", input: {} })),
    );
    const ids = made.map((each) => (each.ok ? each.task.id : ""));
    await until(
      "ten of them run",
      async () => (await client.tasks.page({ status: "RUNNING" })).tasks.length === 10,
    );
    client.close();
    expect(await first.end("SIGKILL")).toBe("SIGKILL");

    const second = run(source, { FAST: "1" });
    const again = createClient({
      addr: await second.said("it listens", ({ stdout }) => /^(\S+)\n/.exec(stdout)?.[1]),
    });
    const ended = await Promise.all(ids.map((id) => again.tasks.wait(id)));
    again.close();

    expect(ended.map(({ status }) => status)).toEqual(ids.map(() => "COMPLETED"));
    expect(ended.map(({ steps }) => steps[0]?.losses).filter((losses) => losses === 1)).toHaveLength(10);
    expect(await second.end("SIGTERM")).toBe(0);
  });
});
