/** The commands of `docs/from-tasker.md`, in their order, in one shell: as written, but for the ports. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, Stage } from "./kit/harness.js";

const page = readFileSync(join(root, "docs/from-tasker.md"), "utf8");
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);
const commands = blocksOf("sh");

const stage = new Stage();
/** The ports of the page, and where they are here. */
let ports: Readonly<Record<string, string>>;
/** Where commands and workers find the server. */
let addr: string;

/** What starts a process that stays: its own words, and further ones. */
function stays(name: string, ...more: string[]) {
  const line = commands.find((each) => each.startsWith(`taskrun ${name}`)) ?? "";
  return stage.run([...line.trim().split(" ").slice(1), ...more]);
}

beforeAll(async () => {
  const [line = ""] = commands;
  expect(line).toBe("taskrun server --compat tasker tasker-worker\n");
  const compat = ["tasker=127.0.0.1:0", "tasker-worker=127.0.0.1:0"];
  const local = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", "memory", "--json"];
  const server = stage.run(["server", "--compat", ...compat, ...local]);
  const said = await server.said("its addresses", ({ stdout }) => /^\{.*\}\n/.exec(stdout)?.[0]);
  const facts = JSON.parse(said);
  ports = {
    "localhost:8080": facts.http[0],
    "localhost:9190": facts.compat.tasker[0],
    "localhost:8081": facts.compat["tasker-worker"][0],
  };
  addr = facts.grpc[0];
  writeFileSync(join(stage.dir, "order_fulfillment.yaml"), blocksOf("yaml")[0] ?? "");
  await stays("worker", "--addr", addr).said("it connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
});
afterAll(() => stage.end());

/** What the page calls by names that a test has not installed. */
const programs = `
taskrun() { "${process.execPath}" "${join(root, "bin/taskrun.js")}" "$@"; }
grpcurl() { "${join(root, "node_modules/.bin/buf")}" curl --protocol grpc --http2-prior-knowledge "http://$2/$3"; }
`;

/** Runs them in one shell. @returns what each block has written */
async function inShell(blocks: readonly string[]): Promise<readonly string[]> {
  const script = [programs, ...blocks.map((each) => `${each}\necho @@@`)].join("\n");
  const here = Object.entries(ports).reduce((text, [from, to]) => text.replaceAll(from, to), script);
  const child = spawn("bash", ["-euo", "pipefail", "-c", here], {
    cwd: stage.dir,
    env: { ...process.env, TASKRUN_ADDR: addr },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exit = await new Promise((resolve) => child.once("close", resolve));
  expect(exit, stderr).toBe(0);
  return stdout.split("@@@\n");
}

test("every command of the page does what the page says", { timeout: 120_000 }, async () => {
  const blocks = commands.filter((each) => !/^taskrun (server|worker)/.test(each));
  const [applied, seeds = "", repair = "", cancelled] = await inShell(blocks);
  expect(applied).toContain("order_fulfillment");

  expect(seeds).toContain('"name":"order_fulfillment"');
  expect(seeds).toContain('"status":"healthy"');
  expect(seeds).toMatch(/"status": ?"alive"/);
  expect(seeds).toContain('"status":"ready"');

  const [listed, ...rest] = repair.trim().split("\n");
  const id = JSON.parse(listed ?? "");
  expect(repair).toContain('"in_dlq": true');
  expect(rest.join("\n")).toContain(`"${id}"`);
  expect(repair).toContain('"results":{"paid":true}');
  expect(rest).toContain("TASK_STATE_COMPLETE");
  expect(repair).toContain('"reason": "ann: charged by phone"');

  expect(cancelled).toBe("cancelled\n");
});
