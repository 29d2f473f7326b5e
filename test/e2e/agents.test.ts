/** What agents announce, through real processes: it is the default of Tasks, outlives a restart, and is shown. */
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { type Agent, AgentError, agent, serve, type WorkerHandle } from "#worker/index";
import { pause, Stage, until } from "./kit/harness.js";

const stage = new Stage();
const fleet: WorkerHandle[] = [];

afterAll(async () => {
  for (const worker of fleet) worker.close();
  await Promise.allSettled(fleet.map(({ closed }) => closed));
  await stage.end();
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function connected(addr: string, id: string, ...agents: readonly Agent[]): Promise<WorkerHandle> {
  let isConnected = false;
  const onConnected = () => {
    isConnected = true;
  };
  const worker = await serve({
    addr,
    id,
    agents,
    maxRuns: 8,
    handleSignals: false,
    log: silent,
    onConnected,
  });
  fleet.push(worker);
  await until(`${id} is connected`, () => isConnected);
  return worker;
}

let atOnce = 0;
let most = 0;
const charge: Agent = {
  ...agent({
    name: "charge_card",
    description: "Charges a card",
    input: z.object({ card: z.string() }),
    retry: { attempts: 3, backoff: "none", only: ["EBUSY"] },
    timeoutMs: 20_000,
    concurrency: 2,
    async run({ card }, { attempt }) {
      most = Math.max(most, ++atOnce);
      await pause(30);
      atOnce -= 1;
      if (card === "busy" && attempt < 3) throw new Error("x", { cause: { code: "EBUSY" } });
      if (card === "stolen") throw new AgentError("the card is stolen");
      return { attempt };
    },
  }),
  inputSchema: { type: "object", properties: { card: { type: "string" } }, required: ["card"] },
};

test("an agent's policies are those of Tasks that name it, and are shown before and after a restart", async () => {
  const server = await stage.server();
  const client = stage.client(server.addr);

  const early = await client.tasks.create({ agent: "charge_card", input: { card: "early" } });
  expect(early).toMatchObject({ maxAttempts: 1, warnings: [expect.stringContaining('"charge_card"')] });
  const worker = await connected(server.addr, "w-1", charge);
  expect(await client.tasks.wait(early.id)).toMatchObject({ status: "COMPLETED" });

  expect(await client.tasks.run({ agent: "charge_card", input: { card: "busy" } })).toEqual({ attempt: 3 });
  const stolen = await client.tasks.create({ agent: "charge_card", input: { card: "stolen" } });
  const failed = await client.tasks.wait(stolen.id);
  expect(failed).toMatchObject({ status: "FAILED", maxAttempts: 3, warnings: [] });
  expect((await client.tasks.get(stolen.id)).runs).toHaveLength(1);
  await expect(client.tasks.create({ agent: "charge_card", input: {} })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "INPUT_SCHEMA",
    violations: [{ field: "input_json" }],
  });
  const many = Array.from({ length: 12 }, (_, i) => ({ agent: "charge_card", input: { card: `${i}` } }));
  for (const each of await client.tasks.createMany(many)) if (each.ok) await client.tasks.wait(each.task.id);
  expect(most).toBe(2);

  const shown = {
    ...{ name: "charge_card", namespace: "", description: "Charges a card", workers: 1, slots: 2 },
    ...{ timeoutMs: 20_000, concurrency: 2, schemaEnforced: true, waiting: 0 },
    retry: { attempts: 3, backoff: "none", only: ["EBUSY"] },
  };
  const before = await client.agents.get("charge_card");
  expect(before).toMatchObject(shown);
  expect(JSON.parse(before.inputSchemaJson)).toEqual(charge.inputSchema);
  expect(await client.workers.get("w-1")).toMatchObject({ agents: [{ retry: shown.retry, concurrency: 2 }] });

  await worker.drain();
  await server.restart();
  await until("the agent is there without a worker", async () => {
    const { agents } = await client.agents.page();
    return agents.length === 1 && agents[0]?.workers === 0 && agents[0].digest === before.digest;
  });
  const waits = await client.tasks.create({ agent: "charge_card", input: {} });
  expect(waits).toMatchObject({
    maxAttempts: 3,
    warnings: [expect.stringContaining("announced last; no worker of it is connected")],
  });
  expect(await client.agents.get("charge_card")).toMatchObject({ waiting: 1, schemaEnforced: false });
  await expect(client.agents.get("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await client.tasks.cancel(waits.id);
});

test("the command line lists and shows agents, and warns of one that nobody has announced", async () => {
  const server = await stage.server();
  await connected(server.addr, "w-2", charge);
  const said = async (...words: readonly string[]) => {
    const proc = stage.run([...words, "--addr", server.addr]);
    return { code: await proc.ended, out: proc.stdout, err: proc.stderr };
  };
  const listed = await said("agent", "list");
  expect(listed).toMatchObject({ code: 0, err: "" });
  expect(listed.out).toMatch(/^AGENT +NAMESPACE +WORKERS +SLOTS +WAITING .*\ncharge_card +\(all\) +1 +2 +0 /);
  expect(JSON.parse((await said("agent", "list", "--json")).out)).toMatchObject({
    name: "charge_card",
    slots: 2,
  });
  expect((await said("agent", "get", "charge_card")).out).toContain("only after   EBUSY");
  expect(await said("agent", "get", "charge-card")).toMatchObject({ code: 4 });

  const created = await said("task", "create", "--agent", "charge_crad", "--input", "{}");
  expect(created.code).toBe(0);
  expect(created.err).toMatch(/^warning: .*"charge_crad".*near: "charge_card"/);
  const shown = await said("task", "get", created.out.trim());
  expect(shown.err).toContain("warning: ");
  const asJson = await said("task", "get", created.out.trim(), "--json");
  expect(JSON.parse(asJson.out).warnings).toHaveLength(1);
});
