/** Programs that do durable steps, whose workers are killed: what they have done is not done again. */
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

async function workerOf(name: string, command: string, ledger: string, id: string, slow: string) {
  const flags = ["--exec-jsonl", `${name}=${command}`, "--exec-steps", name, "--id", id];
  const worker = stage.run(["worker", "--addr", server.addr, ...flags], { LEDGER: ledger, SLOW: slow });
  await worker.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
  return worker;
}

test.each([
  ["in sh", "sh_invoice", `sh ${join(root, "examples/programs/invoice.sh")}`],
  ["for Node", "node_invoice", `node ${join(root, "examples/programs/invoice.mjs")}`],
])(
  "a program %s goes on where its worker was killed, and waits without a process",
  async (_, name, command) => {
    const ledger = join(stage.dir, `${name}.txt`);
    const written = () => {
      try {
        return readFileSync(ledger, "utf8").trimEnd().split("\n");
      } catch {
        return [];
      }
    };
    const first = await workerOf(name, command, ledger, `${name}-1`, "60");
    const { id } = await client.tasks.create({ agent: name, input: { customer: 7 } });
    await until("it is in the middle of its second step", async () => written().includes("draft"));
    await first.end("SIGKILL");

    const second = await workerOf(name, command, ledger, `${name}-2`, "0");
    await until("its agent waits for somebody", async () => {
      const { steps } = await client.tasks.get(id);
      return steps[0]?.waitingReason === 'SIGNAL: its agent waits for signal "approved"' || undefined;
    });
    expect(written()).toEqual(["number", "draft", "draft"]);
    const { actions } = await client.tasks.explain(id);
    expect(actions[0]?.command).toBe(`taskrun task signal ${id} approved --payload JSON`);

    await client.tasks.signal(id, "approved", { by: "Ann" });
    const task = await client.tasks.wait(id);
    expect(task).toMatchObject({ status: "COMPLETED", steps: [{ attempts: 1, losses: 1 }] });
    expect(outputOf(task)).toEqual({
      invoice: { number: "2026-17", for: { customer: 7 } },
      approved: { by: "Ann" },
      charged: true,
    });
    expect(written()).toEqual(["number", "draft", "draft", "charge"]);

    const states: string[] = [];
    for await (const record of client.tasks.journal(id)) states.push(`${record.name} ${record.state}`);
    expect(states).toEqual([
      "number COMPLETED",
      "draft COMPLETED",
      "approved BEGUN",
      "approved COMPLETED",
      "charge BEGUN",
      "charge COMPLETED",
    ]);
    const table = stage.run(["task", "steps", id, "main", "--addr", server.addr]);
    expect(await table.ended).toBe(0);
    expect(table.stdout).toMatch(/^ENTRY +NAME[^\n]*\n1 +number .*COMPLETED +"2026-17"/);
    await second.end("SIGKILL");
  },
);
