import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stepStates } from "#domain/task/step";
import { BadRequestSchema, ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { ResolveAction, type StepSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { aTask, Code, type FakePlane, fakePlane } from "../client/fake-plane.js";
import { type AddressedMessage, type Setting, taskrun } from "./fake-io.js";

type Init = MessageInitShape<typeof StepSchema>;

const step = (name: string, state: (typeof stepStates)[number], more: Init = {}): Init => ({
  name,
  state: stepStates.indexOf(state) + 1,
  type: "standard",
  agentName: "worker",
  maxAttempts: 1,
  ...more,
});

const steps: Init[] = [
  step("fetch", "complete", { attempts: 1, startedAtMs: 1_010n, finishedAtMs: 1_250n, outputJson: "[1]" }),
  step("split", "in_progress", { type: "map", agentName: "", dependsOn: ["fetch"], startedAtMs: 1_300n }),
  step("split_000", "error", {
    attempts: 2,
    maxAttempts: 2,
    dependsOn: ["fetch"],
    startedAtMs: 1_310n,
    finishedAtMs: 3_310n,
    errorMessage: "no\u001b[31m\nluck",
  }),
  step("join", "pending", { dependsOn: ["a", "b", "c", "d", "e", "f"] }),
];
const graph = (more = {}) =>
  aTask({
    agentName: "",
    template: { namespace: "shop", name: "flow", version: "1.0.0" },
    steps,
    status: 2,
    state: 4,
    ...more,
  });

let plane: FakePlane;
const heard: unknown[] = [];

beforeAll(async () => {
  plane = await fakePlane({
    createTask: ({ template, inputJson, maxAttempts }) => {
      heard.push({ ...template, $typeName: undefined, inputJson, maxAttempts });
      return graph();
    },
    getTask: () => graph(),
    signalTask({ id, signal, payloadJson, reason }) {
      if (signal === "none") {
        const value = { reason: "SIGNAL_NOT_FOUND" };
        const text = `task ${id} has no step that waits for a signal "none"; it waits for "approval"`;
        throw new ConnectError(text, Code.NotFound, undefined, [{ desc: ErrorInfoSchema, value }]);
      }
      if (payloadJson === "0") {
        const description = 'payload_json does not fit result_schema of step "approval"';
        const value = { fieldViolations: [{ field: "payload_json", description }] };
        throw new ConnectError(description, Code.InvalidArgument, undefined, [
          { desc: BadRequestSchema, value },
        ]);
      }
      heard.push({ id, signal, payloadJson, ...(reason !== "" && { reason }) });
      return graph({ id });
    },
    getStepAudit({ taskId, stepName, pageToken }) {
      heard.push({ taskId, stepName, pageToken });
      const run = {
        runId: "r1",
        status: 5,
        attempt: 2,
        reason: "AGENT_ERROR",
        errorMessage: "no\u001b[31m luck",
      };
      if (pageToken === "") {
        return { entries: [{ atMs: 1_000n, kind: "RUN", actor: "w1", run }], nextPageToken: "more" };
      }
      const entry = { atMs: 2_000n, kind: "RESET", actor: "key:ann", reason: "the limit is raised" };
      return { entries: [entry], droppedActions: 3 };
    },
    resolveStep({ taskId, stepName, action, resultJson, reason }) {
      heard.push({ taskId, stepName, action: ResolveAction[action], resultJson, reason });
      return graph({ id: taskId });
    },
  });
});
afterAll(() => plane[Symbol.asyncDispose]());

const task = (words: readonly string[], setting: Setting = {}): Promise<AddressedMessage> =>
  taskrun(["task", ...words, "--addr", plane.addr], setting);
const lastHeard = () => heard.at(-1);

test("create takes a template in place of an agent, and of its name as much as is given", async () => {
  for (const [given, ref] of [
    ["shop/flow@1.0.0", { namespace: "shop", name: "flow", version: "1.0.0" }],
    ["shop/flow", { namespace: "shop", name: "flow", version: "" }],
    ["flow@1.0.0-rc.1", { namespace: "", name: "flow", version: "1.0.0-rc.1" }],
  ] as const) {
    expect(await task(["create", "--template", given, "--input", '{"a":1}'])).toMatchObject({ code: 0 });
    expect(lastHeard()).toMatchObject({ ...ref, inputJson: '{"a":1}', maxAttempts: 0 });
  }
});

test("numbers go and come with every digit that was written", async () => {
  const numbers = ["12345678901234567890", "1.10", "1e400", "-0", "0.1000000000000000055511151231257827"];
  const text = `{"n": [${numbers.join(", ")}]}`;
  const inOneLine = `{"n":[${numbers.join(",")}]}`;

  await task(["signal", "t1", "approval", "--payload", text]);
  expect(lastHeard()).toMatchObject({ payloadJson: text });
  await task(["resolve", "t1", "fetch", "--result", text]);
  expect(lastHeard()).toMatchObject({ resultJson: text });
  await task(["create", "--template", "flow", "--input", text]);
  expect(lastHeard()).toMatchObject({ inputJson: text });

  const [first] = steps;
  const more = { inputJson: text, outputJson: text, steps: [{ ...first, outputJson: text }] };
  await using exact = await fakePlane({ getTask: () => graph(more) });
  const get = async (...words: string[]) => (await taskrun(["task", ...words, "--addr", exact.addr])).stdout;
  const json = await get("get", "t1", "--json");
  for (const number of numbers) expect(json.split(`      ${number}`)).toHaveLength(4);
  expect(JSON.parse(json)).toMatchObject({ id: "t1", input: JSON.parse(text), output: JSON.parse(text) });
  expect(await get("steps", "t1", "--json")).toContain(`"output":${inOneLine}`);
  for (const number of numbers) expect(await get("get", "t1")).toContain(number);
});

test("steps is a table for people", async () => {
  const { code, stdout } = await task(["steps", "t1"]);

  expect(code).toBe(0);
  expect(stdout).toMatchInlineSnapshot(`
    "STEP       TYPE      STATE        ATTEMPTS  AGENT   AFTER       STARTED  TOOK    ERROR
    fetch      standard  complete     1/1       worker  -           +10 ms   240 ms
    split      map       in_progress  -         -       fetch       +300 ms  59.7 s
    split_000  standard  error        2/2       worker  fetch       +310 ms  2.0 s   no luck
    join       standard  pending      0/1       worker  a b c d +2  -
    "
  `);
  expect((await task(["get", "t1"])).stdout).toContain(stdout);
});

test("steps --json is one step per line, its result parsed", async () => {
  const lines = (await task(["steps", "t1", "--json"])).stdout.trim().split("\n");

  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { name: "fetch", state: "complete", type: "standard", output: [1], startedAtMs: 1_010 },
    { name: "split" },
    { name: "split_000", errorMessage: "no\u001b[31m\nluck" },
    { name: "join", dependsOn: ["a", "b", "c", "d", "e", "f"], output: null },
  ]);
});

test("signal sends its payload: none, as JSON, from a file or from standard input", async () => {
  expect(await task(["signal", "t1", "approval"])).toEqual({ code: 0, stdout: "t1 RUNNING\n", stderr: "" });
  expect(lastHeard()).toEqual({ id: "t1", signal: "approval", payloadJson: "null" });
  await task(["signal", "t1", "approval", "--payload", "-"], { stdin: ' {"ok": true}' });
  expect(lastHeard()).toEqual({ id: "t1", signal: "approval", payloadJson: ' {"ok": true}' });

  const wrong = await task(["signal", "t1", "approval", "--payload", "{ok"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("--payload is not JSON");
  const unfit = await task(["signal", "t1", "approval", "--payload", "0"]);
  expect(unfit.stderr).toContain("--payload does not fit result_schema");
  const none = await task(["signal", "t1", "none"]);
  expect(none.code).toBe(4);
  expect(none.stderr).toContain("`npx taskrun task steps ID` lists");
});

test.each([
  [["fetch", "--retry"], { stepName: "fetch", action: "RESET_FOR_RETRY", resultJson: "" }],
  [["fetch", "--done"], { stepName: "fetch", action: "RESOLVE_MANUALLY", resultJson: "" }],
  [["fetch", "--result", "[1, 2]"], { stepName: "fetch", action: "COMPLETE_MANUALLY", resultJson: "[1, 2]" }],
  [["--done"], { stepName: "", action: "RESOLVE_MANUALLY", resultJson: "" }],
])("resolve %j", async (words, sent) => {
  expect(await task(["resolve", "t1", ...words])).toEqual({ code: 0, stdout: "t1 RUNNING\n", stderr: "" });
  expect(lastHeard()).toEqual({ taskId: "t1", reason: "", ...sent });
});

test("why a step is resolved, or signalled, is said with --reason", async () => {
  await task(["resolve", "t1", "fetch", "--done", "--reason", "paid by hand"]);
  expect(lastHeard()).toMatchObject({ reason: "paid by hand" });
  await task(["signal", "t1", "approval", "--reason", "seen it"]);
  expect(lastHeard()).toMatchObject({ reason: "seen it" });
});

test("audit shows what has happened to a step, page by page, and what is no longer kept", async () => {
  const { code, stdout, stderr } = await task(["audit", "t1", "fetch"]);
  expect(code).toBe(0);
  expect(stdout.split("\n").map((text) => text.replace(/^(WHEN|.* ago) +/, ""))).toEqual([
    "WHAT       WHO      OUTCOME  WHY",
    "attempt 2  w1       FAILED   no luck",
    "RESET      key:ann  -        the limit is raised",
    "",
  ]);
  expect(stderr).toBe("3 older actions by hand are no longer kept.\n");
  expect(lastHeard()).toEqual({ taskId: "t1", stepName: "fetch", pageToken: "more" });

  const json = (await task(["audit", "t1", "--json"])).stdout.trim().split("\n");
  expect(json.map((text) => JSON.parse(text).kind)).toEqual(["RUN", "RESET"]);
  expect(lastHeard()).toMatchObject({ stepName: "main" });
});

test.each([
  [["fetch"], "choose one: --retry"],
  [["fetch", "--retry", "--done"], "choose one: --retry"],
  [["--retry"], "name the failed step"],
  [["fetch", "--result", "{"], "--result is not JSON"],
])("resolve %j is wrong use", async (words, message) => {
  const { code, stderr } = await task(["resolve", "t1", ...words]);

  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test("visualize draws the task as it stands", async () => {
  const { code, stdout } = await task(["visualize", "t1"]);

  expect(code).toBe(0);
  expect(stdout).toMatch(/^flowchart TD\n {2}%% t1 RUNNING\n/);
  expect(stdout).toContain("240 ms");
  expect(stdout).not.toContain("\u001b");
  expect(JSON.parse((await task(["visualize", "t1", "--json"])).stdout)).toMatchObject({
    id: "t1",
    status: "RUNNING",
    mermaid: stdout,
  });
});

test("a graph whose next step nobody takes says for which agent it waits", async () => {
  const [done = {}] = steps;
  await using waiting = await fakePlane({
    getTask: () => graph({ steps: [done, step("next", "enqueued", { agentName: "typo" })] }),
    explainTask: () => ({ steps: [{ name: "next", cause: "WORKER" }] }),
  });
  const { stderr } = await taskrun(["task", "get", "t1", "--addr", waiting.addr]);

  expect(stderr).toBe('step next: no connected worker runs agent "typo"; see `npx taskrun worker list`\n');
});
