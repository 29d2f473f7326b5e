import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { testPlane } from "#testing/index";
import type { Agent } from "#worker/index";
import { blocksOf } from "../tidy/blocks.js";

const page = readFileSync(new URL("../../docs/agents.md", import.meta.url), "utf8");
const [first] = blocksOf("docs/agents.md", page);

/** The agent of a file that serves one, which is made ready to be imported here. */
async function agentOf(text: string): Promise<Agent> {
  const file = fileURLToPath(new URL(`./agents-page-${process.pid}.ts`, import.meta.url));
  onTestFinished(() => rmSync(file, { force: true }));
  const served = text.replace(/await serve\(\{ agents: \[(\w+)\] \}\);/, "export const served = $1;");
  writeFileSync(file, served.replace("taskrun/worker", "#worker/index"));
  return ((await import(file)) as { served: Agent }).served;
}

test("docs/agents.md begins with one file of twenty lines, whose agent waits for a person", async () => {
  const text = (first?.text ?? "").trim();
  expect(text.split("\n").length).toBeLessThanOrEqual(20);
  await using plane = await testPlane({ agents: [await agentOf(text)] });

  const { id } = await plane.client.tasks.create({ agent: "order", input: { article: "lamp" } });
  await plane.advance("2d");
  await plane.client.tasks.signal(id, "approved", { yes: true });

  expect(JSON.parse((await plane.ended(id)).outputJson)).toEqual({ bought: true, price: 400 });
});
