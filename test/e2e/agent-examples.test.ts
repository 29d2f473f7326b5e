/** The agents of `examples/agents/`, run by workers that are killed while they wait. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { outputOf, type TaskRunClient } from "#client/index";
import { root, type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
let server: Server;
let client: TaskRunClient;

beforeAll(async () => {
  server = await stage.server({ lease: "1s", heartbeat: "200ms" });
  client = stage.client(server.addr);
});
afterAll(() => stage.end());

async function workerOf(example: string, id: string, env: Readonly<Record<string, string>> = {}) {
  const flags = ["--module", join(root, "examples/agents", example), "--id", id];
  const worker = stage.run(["worker", "--addr", server.addr, ...flags], env);
  await worker.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
  return worker;
}

test.each([
  [{ yes: true, by: "Ann" }, "We have refunded 49.00 for the lamp.", ["look_up 4711", "refund 4711 4900"]],
  [
    { yes: false, by: "Bob" },
    'We are sorry about "it came broken", and cannot refund it: Bob has said no.',
    ["look_up 4711"],
  ],
])(
  "a loop of a model and tools asks a person before what must happen once: %j",
  async (answer, said, done) => {
    const ledger = join(stage.dir, `refunds-${answer.by}.txt`);
    const first = await workerOf("refunds.mjs", `refunds-1-${answer.by}`, { LEDGER: ledger });
    const { id } = await client.tasks.create({
      agent: "refunds",
      input: { order: "4711", complaint: "it came broken" },
    });
    await until("it waits for a person", async () => {
      const { steps } = await client.tasks.get(id);
      return steps[0]?.waitingReason === 'SIGNAL: its agent waits for signal "approved"' || undefined;
    });
    await first.end("SIGKILL");

    await client.tasks.signal(id, "approved", answer);
    const second = await workerOf("refunds.mjs", `refunds-2-${answer.by}`, { LEDGER: ledger });
    const task = await client.tasks.wait(id);
    expect(task).toMatchObject({ status: "COMPLETED", steps: [{ attempts: 1, losses: 0 }] });
    expect(outputOf(task)).toEqual({ answer: said, turns: 3 });
    expect(readFileSync(ledger, "utf8").trimEnd().split("\n")).toEqual(done);
    await second.end("SIGKILL");
  },
);

test("an agent has several topics read at once, and puts together what was found", async () => {
  const worker = await workerOf("research.mjs", "research-1");
  const topics = ["rivers", "lakes", "moons", "seas"];
  const { id } = await client.tasks.create({ agent: "research", input: { topics } });
  const task = await client.tasks.wait(id);
  expect(outputOf(task)).toMatchObject({ summary: "rivers: 2, lakes: 1, seas: 3", unknown: ["moons"] });
  const children: string[] = [];
  for await (const { agent, status } of client.tasks.list({ parentTaskId: id }))
    children.push(`${agent} ${status}`);
  expect(children).toEqual(topics.map(() => "reader COMPLETED"));
  await worker.end("SIGKILL");
});

test("a task whose budget is used up is held, and goes on from its journal when it is raised", async () => {
  const ledger = join(stage.dir, "refunds-budget.txt");
  const worker = await workerOf("refunds.mjs", "refunds-budget", { LEDGER: ledger });
  const { id } = await client.tasks.create({
    agent: "refunds",
    input: { order: "4712", complaint: "it wobbles" },
    budget: { tokens: 130 },
  });
  await client.tasks.signal(id, "approved", { yes: true, by: "Ann" });
  await until("its budget is used up", async () => {
    const { state, runs } = await client.tasks.get(id);
    return state === "blocked_by_failures" && runs.at(-1)?.reason === "BUDGET_EXCEEDED";
  });

  await client.tasks.topUp(id, { tokens: 10_000 });
  const task = await client.tasks.wait(id);
  expect(outputOf(task)).toEqual({ answer: "We have refunded 399.00 for the desk.", turns: 3 });
  expect(
    readFileSync(ledger, "utf8")
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("refund")),
  ).toEqual(["refund 4712 39900"]);
  await worker.end("SIGKILL");
});
