import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BadRequestSchema } from "#wire/gen/google/rpc/error_details_pb";
import { aTask, Code, deadAddr, type FakePlane, fakePlane, lifeOf, refuse } from "../client/fake-plane.js";
import { type AddressedMessage, type Setting, taskrun } from "./fake-io.js";

const hostile = "\u001b[2Jred\u001b]0;title\u0007 \u202eevil\r\n";
const forks: unknown[] = [];
let plane: FakePlane;

beforeAll(async () => {
  plane = await fakePlane(
    {
      createTask: ({ $typeName: _, idempotencyKey: _key, ...same }) => aTask(same),
      getTask: ({ id }) => {
        if (id === "missing") refuse(Code.NotFound, "Task not found: missing");
        const run = {
          runId: "r1",
          workerId: "w1",
          status: 4,
          attempt: 1,
          stepName: "main",
          startedAtMs: 1_100n,
          finishedAtMs: 2_200n,
        };
        return aTask({
          id,
          status: 3,
          state: 9,
          finishedAtMs: 2_200n,
          outputJson: '{"ok":true}',
          runs: [run],
        });
      },
      listTasks: ({ agentFilter }) => ({
        tasks: agentFilter
          ? []
          : [
              aTask({ id: "t2", status: 2, createdAtMs: 60_000n }),
              aTask({ id: "t1", status: 4, finishedAtMs: 2_500n, errorMessage: "boom\u001b[31m\nagain" }),
            ],
      }),
      cancelTask: ({ id }) => {
        if (id === "over") refuse(Code.FailedPrecondition, "task over is COMPLETED");
        return aTask({ id, status: 5, state: 11 });
      },
      retryTask: ({ id }) => aTask({ id: "t9", retryOf: id }),
      forkTask({ id, from, inputJson, reason }) {
        forks.push({ from, inputJson, reason });
        return aTask({ id: "t8", forkedFrom: id });
      },
      async *watchTask({ id, afterSeq }) {
        const life = lifeOf(id, id === "hostile" ? [hostile] : ["one\n", "two"]);
        if (id === "failing") life.splice(-1, 1, ...lifeOf(id, ["", ""], "").slice(-1));
        const last = life.at(-1);
        if (id === "failing" && last?.event.case === "taskChanged") {
          last.event.value.status = 4;
          last.event.value.errorMessage = "boom";
        }
        yield* life.slice(Number(afterSeq), id === "long" ? 3 : undefined);
        if (id === "long") await new Promise(() => {});
      },
    },
    { listWorkers: () => ({ workers: [] }), getWorker: () => refuse(Code.NotFound, "Worker w1 not found") },
  );
});
afterAll(() => plane[Symbol.asyncDispose]());

const task = (words: readonly string[], setting: Setting = {}): Promise<AddressedMessage> =>
  taskrun(["task", ...words, "--addr", plane.addr], setting);

test("create prints the id alone, for programs to take", async () => {
  expect(await task(["create", "--agent", "support_triage", "--input", '{"query":"help"}'])).toEqual({
    code: 0,
    stdout: "t1\n",
    stderr: "",
  });
});

test("create --json prints the task as it was asked for, its input parsed", async () => {
  const words =
    "create --agent a --json --label team=x tier=2 --priority -5 --timeout 2m --attempts 3 --max-losses 0".split(
      " ",
    );
  const { code, stdout } = await task(words, {
    env: { USER: "ann" },
  });

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    id: "t1",
    agent: "a",
    input: {},
    output: null,
    labels: { team: "x", tier: "2" },
    priority: -5,
    timeoutMs: 120_000,
    maxAttempts: 3,
    maxLosses: 0,
    createdBy: "ann",
  });
});

test("an input is JSON, a file behind @, or standard input", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-cli-"));
  writeFileSync(join(cwd, "in.json"), '{"from":"file"}');
  const input = async (text: string) => {
    const { stdout } = await task(["create", "--agent", "a", "--json", "--input", text], {
      cwd,
      stdin: '{"from":"stdin"}',
    });
    return JSON.parse(stdout).input;
  };

  expect(await input("[1]")).toEqual([1]);
  expect(await input("@in.json")).toEqual({ from: "file" });
  expect(await input("-")).toEqual({ from: "stdin" });
});

test.each([
  [["create"], "name an agent with --agent NAME"],
  [["create", "--template", "n/t@1", "--agent", "a"], "either --agent or --template, not both"],
  [["create", "--template", "n/t/u"], '--template: "n/t/u" is not NS/NAME@VERSION'],
  [["create", "--agent", "a", "--input", "{query: 1}"], "--input is not JSON"],
  [["create", "--agent", "a", "--input", "@none.json"], "none.json cannot be read"],
  [["create", "--agent", "a", "--priority", "101"], "whole number from -100 to 100"],
  [["create", "--agent", "a", "--max-losses", "-1"], "whole number from 0 to 100"],
  [["create", "--agent", "a", "--max-losses", "1.5"], "whole number from 0 to 100"],
  [
    ["create", "--agent", "a", "--timeout", "5"],
    `option '--timeout <duration>' argument '5' is invalid. "5" is not a duration`,
  ],
  [["create", "--agent", "a", "--label", "team"], "is not NAME=VALUE"],
  [["create", "--agnet", "a"], "Did you mean --agent?"],
  [["get"], "missing required argument 'id'"],
  [["list", "--status", "DONE"], "is none of PENDING, RUNNING"],
])("wrong use ends with 2 and says what is wrong: %j", async (words, message) => {
  const { code, stdout, stderr } = await task(words);

  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(message);
});

test("watch writes output to stdout and the rest to stderr", async () => {
  expect(await task(["watch", "t1"])).toEqual({
    code: 0,
    stdout: "one\ntwo",
    stderr: [
      "attempt 1 on worker w1: RUNNING",
      "attempt 1 on worker w1: COMPLETED",
      "task t1: COMPLETED after 1.2 s",
      'result {\n  "ok": true\n}\n',
    ].join("\n"),
  });
});

test("watch --json prints every event on a line, from after the seq it is given", async () => {
  const { code, stdout, stderr } = await task(["watch", "t1", "--json", "--after-seq", "3"]);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

  expect([code, stderr]).toEqual([0, ""]);
  expect(events.map(({ seq, type }) => `${seq} ${type}`)).toEqual(["4 output", "5 run", "6 task"]);
  expect(events.at(-1)).toMatchObject({ task: { status: "COMPLETED", output: { ok: true } } });
});

test("the end of the task is the end of create --watch", async () => {
  const done = await task(["create", "--agent", "a", "--watch"]);
  const failed = await task(["watch", "failing"]);

  expect([done.code, done.stdout]).toEqual([0, "one\ntwo"]);
  expect(done.stderr).toMatch(/^task t1 created\n/);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("task failing: FAILED after 1.2 s: boom");
});

test("an interrupted watch ends with 130 and says how to go on from where it was", async () => {
  const told = await task(["watch", "long"], {
    onWrite: (text, signal) => {
      if (text === "one\n") signal();
    },
  });

  expect(told.code).toBe(130);
  expect(told.stderr).toContain("npx taskrun task watch long --after-seq 3\n");
});

test("what an agent writes is raw in a pipe, and harmless on a terminal", async () => {
  expect((await task(["watch", "hostile"])).stdout).toBe(hostile);
  expect((await task(["watch", "hostile"], { terminal: 80 })).stdout).toBe("red evil\n");
});

test("events say nothing of what they do not carry", async () => {
  const { stdout } = await task(["watch", "t1", "--json"]);
  const [first] = stdout.split("\n", 1).map((line) => JSON.parse(line).task);

  expect(first).toMatchObject({ id: "t1", status: "RUNNING" });
  expect(["input", "output", "runs", "steps"].filter((name) => name in first)).toEqual([]);
});

test("list is a table for people", async () => {
  const { code, stdout } = await task(["list"]);

  expect(code).toBe(0);
  expect(stdout).toMatchInlineSnapshot(`
    "TASK  STATUS   AGENT           CREATED     TOOK   ERROR
    t2    RUNNING  support_triage  1.0 s ago
    t1    FAILED   support_triage  1m 00s ago  1.5 s  boom again
    "
  `);
});

test("list --json is a task on a line; an empty list is no error", async () => {
  const full = await task(["list", "--json", "--limit", "1"]);
  const empty = await task(["list", "--agent", "nobody"]);

  expect(
    full.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).id),
  ).toEqual(["t2"]);
  expect(empty).toEqual({ code: 0, stdout: "", stderr: "There are no matching tasks.\n" });
});

test("get shows a page for people", async () => {
  const { code, stdout } = await task(["get", "t1"]);

  expect(code).toBe(0);
  expect(stdout).toMatchInlineSnapshot(`
    "task       t1
    agent      support_triage
    namespace  default
    status     COMPLETED (complete)
    created    1970-01-01T00:00:01.000Z (1m 00s ago)
    took       1.2 s
    input      {}

    RUN  STEP  ATTEMPT  WORKER  STATUS     TOOK   WHY
    r1   main  1        w1      COMPLETED  1.1 s

    result
    {
      "ok": true
    }
    "
  `);
});

test("get of a task that has not ended says what it is doing, for how long", async () => {
  await using waiting = await fakePlane({
    getTask: ({ id }) => aTask(id === "t1" ? { id } : { id, status: 2, state: 4 }),
  });
  const get = async (id: string) => (await taskrun(["task", "get", id, "--addr", waiting.addr])).stdout;

  expect(await get("t1")).toContain("waiting for  1m 00s\n");
  expect(await get("t2")).toContain("running for  1m 00s\n");
});

const waits = (workers: readonly { readonly cause: string }[], nearAgents: string[] = []) => ({
  name: "main",
  cause: "WORKER",
  workers: workers.map((worker, i) => ({ workerId: `w${i}`, ...worker })),
  nearAgents,
});

test.each([
  [waits([{ cause: "AGENT" }]), 'no connected worker runs agent "typo"; see `npx taskrun worker list`\n'],
  [
    waits([], ["typed", "types"]),
    'no connected worker runs agent "typo", which no worker has ever announced: did you mean "typed" or "types"?; see `npx taskrun worker list`\n',
  ],
  [
    waits([{ cause: "SLOTS" }, { cause: "AGENT" }]),
    'all workers with agent "typo" are busy; see `npx taskrun worker list`\n',
  ],
  [
    waits([{ cause: "LABELS" }, { cause: "LABELS" }, { cause: "GONE" }]),
    'of the workers with agent "typo" 2 are without a label that it needs, 1 is disconnected; see `npx taskrun worker list`\n',
  ],
  [
    { name: "main", cause: "BACKOFF", detail: "attempt 2 of 3", untilMs: 90_000n },
    "BACKOFF: attempt 2 of 3, until 1970-01-01T00:01:30.000Z\n",
  ],
  [{ name: "main", cause: "DEPENDENCIES", detail: "after another" }, ""],
])("a task that nobody begins says why: %#", async (step, why) => {
  const pending = { agentName: "typo" };
  let explained = () => {};
  await using plane = await fakePlane({
    createTask: () => aTask(pending),
    getTask: () => aTask(pending),
    explainTask: () => ({ steps: [step] }),
    async *watchTask({ id }) {
      // It begins only once it was said what it waits for.
      if (why !== "") await new Promise<void>((resolve) => (explained = resolve));
      yield* lifeOf(id, ["one"]);
    },
  });
  const on = ["--addr", plane.addr];
  const onWrite = (text: string) => (text === why ? explained() : undefined);

  expect((await taskrun(["task", "get", "t1", ...on])).stderr).toBe(why);
  for (const words of [
    ["create", "--agent", "typo", "--watch"],
    ["watch", "t1"],
  ]) {
    const { code, stderr } = await taskrun(["task", ...words, ...on], { onWrite });
    expect(code).toBe(0);
    expect(stderr).toContain(why);
  }
});

test("a refused field is called as it was typed, once", async () => {
  const fault = (field: string, message: string) =>
    new ConnectError(message, Code.InvalidArgument, undefined, [
      { desc: BadRequestSchema, value: { fieldViolations: [{ field, description: message }] } },
    ]);
  await using plane = await fakePlane({
    createTask({ agentName }) {
      if (agentName === "long") throw fault("agent_name", "agent_name is 300 bytes long.");
      throw fault("correlation_id", "correlation_id is 300 bytes long.");
    },
  });
  const create = (agent: string) => taskrun(["task", "create", "--agent", agent, "--addr", plane.addr]);

  expect(await create("long")).toEqual({
    code: 2,
    stdout: "",
    stderr: "taskrun: --agent is 300 bytes long.\n",
  });
  expect((await create("a")).stderr).toBe("taskrun: --correlation-id is 300 bytes long.\n");
});

test("what is not there is followed by the list that shows what is", async () => {
  const worker = await taskrun(["worker", "get", "w1", "--addr", plane.addr]);

  expect((await task(["get", "missing"])).stderr).toMatch(/^ {2}`npx taskrun task list` lists/m);
  expect(worker.stderr).toMatch(/^ {2}`npx taskrun worker list` lists/m);
  expect(worker.stderr).not.toContain("task list");
});

test("cancel and retry answer with the task", async () => {
  expect(await task(["cancel", "t1"])).toMatchObject({ code: 0, stdout: "t1 CANCELLED\n" });
  expect(await task(["retry", "t1"])).toMatchObject({ code: 0, stdout: "t9\n" });
  expect(JSON.parse((await task(["retry", "t1", "--json"])).stdout)).toMatchObject({
    id: "t9",
    retryOf: "t1",
  });
});

test("fork begins from what failed, or from the step that is named", async () => {
  expect(await task(["fork", "t1"])).toMatchObject({ code: 0, stdout: "t8\n" });
  await task(["fork", "t1", "--from", "failed", "--reason", "fixed"]);
  const words = ["fork", "t1", "--from", "ship", "--input", '{"n": 1.10}', "--json"];
  expect(JSON.parse((await task(words)).stdout)).toMatchObject({ id: "t8", forkedFrom: "t1" });
  expect(forks).toEqual([
    { from: "", inputJson: "", reason: "" },
    { from: "", inputJson: "", reason: "fixed" },
    { from: "ship", inputJson: '{"n": 1.10}', reason: "" },
  ]);
  expect((await task(["fork", "t1", "--input", "{"])).code).toBe(2);
});

test("a task that is not there ends with 4, one in the wrong state with 1", async () => {
  expect(await task(["get", "missing"])).toMatchObject({ code: 4, stdout: "" });
  expect((await task(["watch", "missing"])).code).toBe(4);
  expect(await taskrun(["worker", "get", "w1", "--addr", plane.addr])).toMatchObject({ code: 4 });
  expect(await task(["cancel", "over"])).toEqual({
    code: 1,
    stdout: "",
    stderr: "taskrun: task over is COMPLETED\n",
  });
});

test("a server that is not there ends with 3 and says what to do", async () => {
  const addr = await deadAddr();
  const { code, stderr } = await taskrun(["task", "list"], { env: { TASKRUN_ADDR: addr } });

  expect(code).toBe(3);
  expect(stderr).toContain(`cannot connect to ${addr}: ECONNREFUSED`);
  expect(stderr).toContain("Start a server with `npx taskrun dev`");
});

test("the address comes from the flag, else the environment, else the file", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-cli-"));
  writeFileSync(join(cwd, "taskrun.toml"), `addr = "${plane.addr}"\n`);
  const dead = await deadAddr();

  expect((await taskrun(["task", "get", "t1"], { cwd })).code).toBe(0);
  expect((await taskrun(["task", "get", "t1"], { cwd, env: { TASKRUN_ADDR: dead } })).code).toBe(3);
  expect(
    (await taskrun(["task", "get", "t1", "--addr", plane.addr], { cwd, env: { TASKRUN_ADDR: dead } })).code,
  ).toBe(0);
  expect((await taskrun(["task", "get", "t1", "--addr", "a b"], { cwd })).code).toBe(2);
});

test("worker list says when nobody is there", async () => {
  expect(await taskrun(["worker", "list", "--addr", plane.addr])).toEqual({
    code: 0,
    stdout: "",
    stderr: "No matching worker is connected; `npx taskrun worker` starts one.\n",
  });
});
