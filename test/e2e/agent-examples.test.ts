/** The agents of `examples/agents/`, over a double of the server that they ask, run by workers that are killed while they wait. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { outputOf, type TaskRunClient } from "#client/index";
import { FakeOpenai } from "../worker/kit/fake-openai.js";
import { root, type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
let server: Server;
let client: TaskRunClient;
let model: FakeOpenai;

beforeAll(async () => {
  model = await FakeOpenai.start();
  server = await stage.server({ lease: "1s", heartbeat: "200ms" });
  client = stage.client(server.addr);
});
afterAll(async () => {
  await stage.end();
  await model.stop();
});
beforeEach(() => {
  model.seen.length = 0;
});

const flagsOf = (example: string) => ["--module", join(root, "examples/agents", example)];

async function workerOf(example: string, id: string, env: Readonly<Record<string, string>> = {}) {
  const asked = { OPENAI_BASE_URL: model.baseUrl, OPENAI_API_KEY: "sk-example", MODEL: "small" };
  const flags = ["worker", "--addr", server.addr, "--id", id, ...flagsOf(example)];
  const worker = stage.run(flags, { ...asked, ...env });
  await worker.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
  return worker;
}

/** What a model does with the complaint about an order: it looks it up, wants to refund it, and answers. */
function complaintAbout(order: string, cents: number, answer: string): void {
  model.always(
    { calls: [{ name: "look_up", arguments: JSON.stringify({ order }) }] },
    { calls: [{ name: "refund", arguments: JSON.stringify({ order, cents }) }] },
    { text: answer },
  );
}

/** What tools have told the model, in the last request. */
function toldByTools(): unknown[] {
  const { messages = [] } = model.seen.at(-1)?.body ?? {};
  return messages.filter(({ role }) => role === "tool").map(({ content }) => JSON.parse(String(content)));
}

test.each([
  [{ yes: true, by: "Ann" }, { refunded: 4_900 }, ["look_up 4711", "refund 4711 4900"]],
  [{ yes: false, by: "Bob" }, { declined: "Bob has said no" }, ["look_up 4711"]],
])(
  "a loop of a model and tools asks a person before what must happen once: %j",
  async (decision, told, done) => {
    complaintAbout("4711", 4_900, "We are sorry about the lamp.");
    const ledger = join(stage.dir, `refunds-${decision.by}.txt`);
    const first = await workerOf("refunds.mjs", `refunds-1-${decision.by}`, { LEDGER: ledger });
    const { id } = await client.tasks.create({
      agent: "refunds",
      input: { order: "4711", complaint: "it came broken" },
    });
    await until("it waits for a person", async () => {
      const { steps } = await client.tasks.get(id);
      return steps[0]?.waitingReason === 'SIGNAL: its agent waits for signal "approved"' || undefined;
    });
    await first.end("SIGKILL");
    // A Run that is sent to a worker before the server knows of its end is lost.
    await until("the server knows", async () => (await client.workers.list()).length === 0);

    await client.tasks.signal(id, "approved", decision);
    const second = await workerOf("refunds.mjs", `refunds-2-${decision.by}`, { LEDGER: ledger });
    const task = await client.tasks.wait(id);
    expect(task).toMatchObject({ status: "COMPLETED", steps: [{ attempts: 1, losses: 0 }] });
    expect(outputOf(task)).toEqual({ answer: "We are sorry about the lamp.", turns: 3 });
    expect(readFileSync(ledger, "utf8").trimEnd().split("\n")).toEqual(done);
    // Nothing is asked again by the second worker.
    expect(model.seen).toHaveLength(3);
    expect(toldByTools()).toEqual([{ article: "lamp", cents: 4_900 }, told]);
    expect(task.usage).toMatchObject({ inputTokens: 360, outputTokens: 90, toolCalls: done.length });
    await second.end("SIGKILL");
  },
);

test("a model that calls a tool wrongly is told so, and does better", async () => {
  model.always(
    { calls: [{ name: "refund", arguments: '{"order":"4711","cents":-1}' }] },
    { calls: [{ name: "no_such_tool", arguments: "{}" }] },
    { text: "I cannot help you." },
  );
  const worker = await workerOf("refunds.mjs", "refunds-wrong");
  const input = { order: "4711", complaint: "it came broken" };
  expect(await client.tasks.run({ agent: "refunds", input })).toEqual({
    answer: "I cannot help you.",
    turns: 3,
  });
  expect(toldByTools()).toEqual([
    { problem: expect.stringMatching(/^refund cannot be called so: .*cents/s) },
    { problem: expect.stringMatching(/^no_such_tool cannot be called so: /) },
  ]);
  await worker.end("SIGKILL");
});

test("an agent has several topics read at once, and what was found put together", async () => {
  model.always();
  const worker = await workerOf("research.mjs", "research-1");
  const topics = ["rivers", "lakes", "moons", "seas"];
  const { id } = await client.tasks.create({ agent: "research", input: { topics } });
  const task = await client.tasks.wait(id);
  const notes = topics.map((topic) => `You said: ${topic}`);
  expect(outputOf(task)).toEqual({
    summary: expect.stringMatching(/^You said: rivers, lakes, moons, seas\n\nContext, as JSON:\n/),
    notes,
  });
  const { messages = [] } = model.seen.at(-1)?.body ?? {};
  for (const note of notes) expect(messages.at(-1)?.content).toContain(note);
  const children: string[] = [];
  for await (const { agent, status } of client.tasks.list({ parentTaskId: id }))
    children.push(`${agent} ${status}`);
  expect(children.sort()).toEqual([...topics.map(() => "reader COMPLETED"), "writer COMPLETED"]);
  expect(task.usage).toMatchObject({ inputTokens: 5 * 120, outputTokens: 5 * 30 });
  await worker.end("SIGKILL");
});

test("a task whose budget is used up is held, and goes on from its journal when it is raised", async () => {
  complaintAbout("4712", 39_900, "We have refunded the desk.");
  const ledger = join(stage.dir, "refunds-budget.txt");
  const worker = await workerOf("refunds.mjs", "refunds-budget", { LEDGER: ledger });
  const { id } = await client.tasks.create({
    agent: "refunds",
    input: { order: "4712", complaint: "it wobbles" },
    budget: { tokens: 200 },
  });
  await client.tasks.signal(id, "approved", { yes: true, by: "Ann" });
  await until("its budget is used up", async () => {
    const { state, runs } = await client.tasks.get(id);
    return state === "blocked_by_failures" && runs.at(-1)?.reason === "BUDGET_EXCEEDED";
  });

  await client.tasks.topUp(id, { tokens: 10_000 });
  const task = await client.tasks.wait(id);
  expect(outputOf(task)).toEqual({ answer: "We have refunded the desk.", turns: 3 });
  expect(
    readFileSync(ledger, "utf8")
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("refund")),
  ).toEqual(["refund 4712 39900"]);
  await worker.end("SIGKILL");
});

test("without a key the examples say which variable to set", async () => {
  const loop = stage.run(["worker", "--addr", server.addr, ...flagsOf("refunds.mjs")]);
  expect(await loop.ended).not.toBe(0);
  expect(loop.stderr).toMatch(/refunds\.mjs cannot be loaded: .*OPENAI_API_KEY/);

  const readers = stage.run(["worker", "--addr", server.addr, ...flagsOf("research.mjs")]);
  await readers.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
  const { id } = await client.tasks.create({ agent: "research", input: { topics: ["rivers"] } });
  expect((await client.tasks.wait(id)).errorMessage).toMatch(/there is no key .*set OPENAI_API_KEY/);
  await readers.end("SIGKILL");
});
