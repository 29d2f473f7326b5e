/** Each command of `docs/from-taskrun.md` and `docs/rest.md`, at a real server: what they say is what is answered. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, type Server, Stage } from "./kit/harness.js";

const run = promisify(execFile);
const stage = new Stage();
let server: Server;
let taskId: string;

/** The commands of a page: what stands in its blocks of `sh`, one a line. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(root, "docs", page), "utf8");
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) => block.trim().split("\n"));
}

const hasJq = await run("jq", ["--version"]).then(
  () => true,
  () => false,
);

beforeAll(async () => {
  server = await stage.server();
  await stage.worker(server.addr, { id: "w-1", exec: ["echo=cat", "support_triage=cat"] });
  const made = await fetch(`http://${server.httpAddr}/v1/tasks:run`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ agent_name: "echo", input_json: '{"query":"help"}' }),
  });
  taskId = ((await made.json()) as { id: string }).id;
});
afterAll(() => stage.end());

/** The command as it reads here: the address and the Task are those of the test, and grpcurl is buf, which is in the lock. */
function here(command: string): string {
  const taskrun = `${process.execPath} ${join(root, "bin/taskrun.js")}`;
  return command
    .replaceAll("localhost:8080", server.httpAddr)
    .replaceAll("'[::1]:50051' ", `http://${server.addr}/`)
    .replaceAll(/TASK_ID|<task-id>/g, taskId)
    .replace(
      /^grpcurl -plaintext -import-path proto -proto \S+/,
      "node_modules/.bin/buf curl --protocol grpc --http2-prior-knowledge --schema proto",
    )
    .replace(/^(node_modules.*?buf curl .*?)(-d '.*' )?(http:\S+)$/, "$1$2$3")
    .replace(/^taskrun (.*)$/, `${taskrun} $1 --addr ${server.addr}`)
    .replace(/^curl (?!-s)/, "curl -sS --max-time 20 ");
}

const commands = ["from-taskrun.md", "rest.md"].flatMap((page) =>
  commandsOf(page).map((command) => [page, command] as const),
);

test("the pages have commands", () => expect(commands.length).toBeGreaterThan(15));

test.each(commands)("%s: %s", async (_, command) => {
  if (command.includes("| jq") && !hasJq) return;
  const { stdout } = await run("sh", ["-c", here(command)], { cwd: root, maxBuffer: 1 << 24 });
  if (command.includes("output"))
    expect(JSON.parse(stdout)).toMatchObject({ task_id: taskId, output: expect.anything() });
  else if (command.includes("event-stream")) expect(stdout).toMatch(/event: end\ndata: \{\}\n\n$/);
  else if (command.endsWith("/events"))
    expect(JSON.parse(stdout).at(-1)).toMatchObject({ event_type: "task_changed" });
  else if (command.startsWith("taskrun task create")) expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/);
  else if (command.startsWith("taskrun")) expect(stdout).toMatch(/echo|support_triage|w-1/);
  else if (command.includes("metrics")) expect(stdout).toContain("taskrun_");
  else if (command.includes("jq")) expect(stdout).toBeDefined();
  else expect(JSON.parse(stdout || "{}")).not.toHaveProperty("error");
});
