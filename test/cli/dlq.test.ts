import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createClient, type TaskRunClient } from "#client/index";
import { type ControlPlane, startControlPlane } from "#control-plane";
import { LOCAL_CALLER } from "#domain/caller";
import { type Gateway, openGateway } from "#gateway/server";
import { jsonSchemas } from "#host/schemas";
import { memoryStore } from "#stores/memory/index";
import { taskrun } from "./fake-io.js";

let control: ControlPlane;
let gateway: Gateway;
let client: TaskRunClient;

beforeAll(async () => {
  control = await startControlPlane({ store: memoryStore() });
  gateway = await openGateway({
    ...{ plane: control.plane, entropy: control.entropy, telemetry: control.telemetry },
    ...{ schemas: jsonSchemas(), environment: "test", grpc: ["127.0.0.1:0"], http: [] },
    identify: () => LOCAL_CALLER,
  });
  client = createClient({ addr: addr() });
});
afterAll(async () => {
  client.close();
  await gateway.close(1_000);
  await control.stop();
});

const addr = () => String(gateway.grpc[0]);
const dlq = (...words: string[]) => taskrun(["dlq", ...words, "--addr", addr()]);

/** A Task that has failed, since nobody takes it. */
async function failedTask(): Promise<string> {
  const { id } = await client.tasks.create({ agent: "nobody", input: {}, timeoutMs: 1 });
  await vi.waitFor(async () => expect((await client.tasks.get(id)).status).toBe("FAILED"));
  return id;
}

test("a failed task is in the list, in the queue and in the numbers, and shown with what can be done", async () => {
  const id = await failedTask();
  for (const verb of [["list"], ["queue"], ["list", "--status", "pending", "--reason", "timed_out"]]) {
    const { code, stdout } = await dlq(...verb);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^TASK +REASON +STATUS[\\s\\S]*${id} +TIMED_OUT +PENDING`));
  }
  expect((await dlq("list", "--status", "CANCELLED")).stderr).toBe("No task has needed a person.\n");
  expect((await dlq("stats")).stdout).toMatch(/^REASON +TOTAL +PENDING[\s\S]*TIMED_OUT +1 +1 +0/);

  const { stdout } = await dlq("get", id);
  expect(stdout).toMatch(/because\n {2}task .*: TIMEOUT: the task did not end within timeout_ms = 1\n/);
  expect(stdout).toContain(`what can be done\n  npx taskrun dlq redrive ${id}\n`);
  const { stdout: why } = await taskrun(["task", "explain", id, "--addr", addr()]);
  expect(why).toContain(`npx taskrun dlq redrive ${id}`);
});

test("update writes down what became of it, and says what is missing", async () => {
  const id = await failedTask();
  const words = ["update", id, "--status", "permanently_failed", "--notes", "given up"];
  expect((await dlq(...words)).stdout).toMatch(/PERMANENTLY_FAILED/);
  const { stdout } = await dlq("get", id, "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    taskId: id,
    status: "PERMANENTLY_FAILED",
    notes: "given up",
    resolvedBy: LOCAL_CALLER.principal,
  });
  const { code, stderr } = await dlq("update", id);
  expect(code).toBe(2);
  expect(stderr).toContain("give --status, --notes, or both");
});

test("redrive prints the id of the new task, and of a second call the same", async () => {
  const id = await failedTask();
  const { code, stdout } = await dlq("redrive", id);
  expect(code).toBe(0);
  const again = stdout.trim();
  expect(await client.tasks.get(again)).toMatchObject({ retryOf: id, agent: "nobody" });
  expect((await dlq("redrive", id)).stdout.trim()).toBe(again);
  expect((await dlq("get", id)).stdout).toMatch(new RegExp(`done again +as task ${again}`));
});

test("what has not failed is refused, with the way out", async () => {
  const { id } = await client.tasks.create({ agent: "nobody", input: {} });
  expect(await dlq("redrive", id)).toMatchObject({ code: 4 });
  expect((await dlq("get", id)).stderr).toContain(`no dead letter of task ${id}`);
});

test("staleness lists tasks that have not ended, with how long they have rested and how long they may", async () => {
  const { id } = await client.tasks.create({ agent: "nobody", input: {}, namespace: "resting", priority: 3 });
  const { code, stdout } = await dlq("staleness", "--namespace", "resting");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^TASK +HEALTH +STATE +FOR +OF +AGE/);
  expect(stdout).toMatch(new RegExp(`${id} +HEALTHY +enqueuing_steps +\\d[\\w. ]*s +30m`));
  expect(stdout.trim().split("\n")).toHaveLength(2);

  const json = await dlq("staleness", "--namespace", "resting", "--health", "healthy", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    ...{ taskId: id, namespace: "resting", state: "enqueuing_steps", health: "HEALTHY" },
    ...{ thresholdMs: 1_800_000, lifetimeMs: 86_400_000, priority: 3, stepName: "main", agent: "nobody" },
  });
  const none = await dlq("staleness", "--namespace", "resting", "--health", "stale");
  expect([none.code, none.stdout, none.stderr]).toEqual([0, "", "No task is STALE.\n"]);
  expect((await dlq("staleness", "--health", "ill")).code).toBe(2);
});

test("every list is of one namespace, or of all of them with their names", async () => {
  const { id } = await client.tasks.create({ agent: "x", input: {}, timeoutMs: 1, namespace: "billing" });
  await vi.waitFor(async () => expect((await client.tasks.get(id)).status).toBe("FAILED"));
  const other = await failedTask();
  for (const verb of ["list", "queue"]) {
    const one = await dlq(verb, "--namespace", "billing");
    expect([one.stdout.includes(id), one.stdout.includes(other)], verb).toEqual([true, false]);
    const { stdout } = await taskrun(["dlq", verb, "--namespace", "*", "--addr", addr()], {
      env: { TASKRUN_NAMESPACE: "billing" },
      terminal: 90,
    });
    expect([stdout.includes("billing"), stdout.includes("default")], verb).toEqual([true, true]);
  }
  expect((await dlq("stats", "--namespace", "nobody", "--json")).stdout).toContain('"stats": []');
  expect((await dlq("stats", "--namespace", "*", "--json")).stdout).toContain('"TIMED_OUT"');
  const resting = await client.tasks.create({ agent: "nobody", input: {}, namespace: "billing" });
  const { stdout } = await dlq("staleness", "--namespace", "*");
  expect(stdout).toMatch(new RegExp(`^TASK[^\\n]+NAMESPACE[\\s\\S]*${resting.id}[^\\n]*billing`));
});
