import { ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "#limits/index";
import { settle } from "#testing/virtual-time";
import type { TaskProgress } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { RunEventType, RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { as, json, openWorld, shown, spec, TaskrunWorker, type World } from "./kit.js";

let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.stop());

async function failure(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    () => "no failure",
    (error: unknown) => ConnectError.from(error).message,
  );
}

/** What a stream has said so far, as it comes. */
function collect(stream: AsyncIterable<TaskProgress>) {
  const seen: { readonly lines: string[]; ended: boolean; failure: string; last?: TaskProgress } = {
    lines: [],
    ended: false,
    failure: "",
  };
  void (async () => {
    try {
      for await (const progress of stream) {
        seen.lines.push(shown(progress));
        seen.last = progress;
      }
      seen.ended = true;
    } catch (error) {
      seen.failure = ConnectError.from(error).message;
    }
  })();
  return seen;
}

test("a TaskSpec becomes a Task of the agent that it names", async () => {
  const { gateway, tasks } = world.clients;
  const accepted = await gateway.submitTask(
    spec({
      name: "resize",
      description: "Make it smaller",
      payload: new TextEncoder().encode(' {"width": 1.0}'),
      timeoutSecs: 300,
      maxRetries: 3,
    }),
  );

  expect(accepted.timestamp).toBe(1_000_000n);
  expect(await tasks.getTask({ id: accepted.taskId })).toMatchObject({
    agentName: "resize",
    inputJson: ' {"width": 1.0}',
    timeoutMs: 300_000n,
    maxAttempts: 4,
    namespace: "default",
    labels: { "orchestrator.description": "Make it smaller", "orchestrator.submitted": "true" },
  });
});

test.each([
  ["Hello World", '{"payload_base64":"SGVsbG8gV29ybGQ="}'],
  ["", "{}"],
  ["[1]", "[1]"],
  ["7", "7"],
  ["\uFEFF{}", '{"payload_base64":"77u/e30="}'],
])("the payload %j reaches the agent as %s", async (payload, input) => {
  const { gateway, tasks } = world.clients;
  const sent = spec({ name: "a", payload: new TextEncoder().encode(payload) });
  const { taskId: id } = await gateway.submitTask(sent);

  expect((await tasks.getTask({ id })).inputJson).toBe(input);
});

test("bytes that are no text reach the agent in base64", async () => {
  const { gateway, tasks } = world.clients;
  const { taskId: id } = await gateway.submitTask(spec({ name: "a", payload: Uint8Array.of(0xff, 0) }));

  expect((await tasks.getTask({ id })).inputJson).toBe('{"payload_base64":"/wA="}');
});

test.each([
  ["no name", {}, "name is empty: name the agent that is to do the Task."],
  ["a long name", { name: "x".repeat(300) }, "name is 300 bytes long"],
  ["a negative time", { name: "a", timeoutSecs: -1 }, "timeout_secs is -1; send 0 to"],
  [
    "too many tries",
    { name: "a", maxRetries: 100 },
    "max_retries is 100; send 0 to 99 tries after the first",
  ],
  ["negative tries", { name: "a", maxRetries: -1 }, "max_retries is -1; send 0 to 99"],
  [
    "bytes that are too long in base64",
    { name: "a", payload: new Uint8Array(limits.inputBytes).fill(0xff) },
    `payload is ${limits.inputBytes} bytes long, 1398125 in base64; the limit is ${limits.inputBytes} bytes`,
  ],
  [
    "JSON that is too deep",
    { name: "a", payload: json(JSON.parse("[".repeat(80) + "]".repeat(80))) },
    "payload ",
  ],
])("%s is refused in the words of a TaskSpec", async (_, given, problem) => {
  const { gateway, worker } = world.clients;

  expect(await failure(gateway.submitTask(spec(given)))).toContain(`[invalid_argument] ${problem}`);
  const executed = collect(worker.executeTask(spec(given)));
  await settle();
  expect(executed.failure).toContain(`[invalid_argument] ${problem}`);
});

test("progress is told from the beginning, then live, to the end", async () => {
  const { gateway } = world.clients;
  const { taskId } = await gateway.submitTask(spec({ name: "resize" }));
  const early = collect(gateway.subscribeProgress({ taskId }));
  await settle();
  expect(early.lines).toEqual([
    "PENDING 0% pending",
    "PENDING 0% initializing",
    "PENDING 0% enqueuing steps",
  ]);

  const worker = new TaskrunWorker(world, ["resize"]);
  await settle();
  const [{ runId } = { runId: "" }] = worker.runs;
  const told = (id: string, metadata: Record<string, string>) =>
    ({
      case: "event",
      value: { runId, id, eventType: RunEventType.CUSTOM, name: "progress", metadata },
    }) as const;
  await worker.say(
    { case: "statusUpdate", value: { runId, status: RunStatus.RUNNING } },
    told("1", { percent: "40", message: "two of five" }),
    { case: "event", value: { runId, id: "2", eventType: RunEventType.CUSTOM, name: "other" } },
    told("3", { percent: "no number" }),
    told("4", { percent: "700" }),
  );
  await settle();
  expect(early.lines.slice(3)).toEqual([
    "RUNNING 0% steps in process",
    "RUNNING 40% two of five",
    "RUNNING 40% ",
    "RUNNING 100% ",
  ]);
  expect(early.ended).toBe(false);

  await world.pass(7_000);
  await worker.say({ case: "statusUpdate", value: { runId, status: RunStatus.COMPLETED, outputJson: "1" } });
  expect(early.lines.slice(7)).toEqual(["RUNNING 100% step main is done", "COMPLETED 100% complete"]);
  expect(early.last?.timestamp).toBe(1_000_007n);
  expect(early.ended).toBe(true);

  const late = collect(gateway.subscribeProgress({ taskId }));
  await settle();
  expect(late).toEqual(early);
});

test("a Step that is tried again begins anew, and a Task that fails says why", async () => {
  const { gateway } = world.clients;
  const { taskId } = await gateway.submitTask(spec({ name: "resize", maxRetries: 1 }));
  const seen = collect(gateway.subscribeProgress({ taskId }));
  const worker = new TaskrunWorker(world, ["resize"]);
  await settle();
  const event = { id: "1", eventType: RunEventType.CUSTOM, name: "progress" };
  for (const [attempt, metadata] of [{ percent: "50" }, { message: "once more" }].entries()) {
    await world.pass(60_000);
    const runId = worker.runs[attempt]?.runId ?? "";
    await worker.say(
      { case: "event", value: { ...event, runId, metadata } },
      { case: "statusUpdate", value: { runId, status: RunStatus.FAILED, errorMessage: `no ${attempt}` } },
    );
  }

  expect(worker.runs).toHaveLength(2);
  expect(seen.lines.filter((line) => line.includes("waiting for retry"))).toEqual([
    "RUNNING 50% waiting for retry",
  ]);
  expect(seen.lines).toContain("RUNNING 0% once more");
  expect(seen.lines.at(-1)).toMatch(/^FAILED 0% .*no 1/);
  expect(seen.ended).toBe(true);
});

test("what is done in one call is the Task's own, and goes on without its caller", async () => {
  const { worker: executor, tasks } = world.clients;
  const gone = new AbortController();
  const seen = collect(executor.executeTask(spec({ name: "resize" }), { signal: gone.signal }));
  await settle();
  expect(seen.lines[0]).toBe("PENDING 0% pending");
  gone.abort();
  await settle();
  expect(await tasks.getTask({ id: seen.last?.taskId ?? "" })).toMatchObject({ agentName: "resize" });

  const cancelled = collect(executor.executeTask(spec({ name: "resize" })));
  await settle();
  await tasks.cancelTask({ id: cancelled.last?.taskId ?? "" });
  await settle();
  expect(cancelled.lines.at(-1)).toMatch(/^CANCELLED 0% /);
  expect(cancelled.ended).toBe(true);
});

test("where no more may watch, no Task is made to be followed, however often it is asked for", async () => {
  await world.stop();
  world = await openWorld({ openWatchers: new Map([["default", 1]]) });
  const { worker, tasks } = world.clients;
  const first = collect(worker.executeTask(spec({ name: "resize" })));
  await settle();
  expect(first.lines).not.toEqual([]);
  for (let time = 0; time < 2; time += 1) {
    const refused = collect(worker.executeTask(spec({ name: "resize" })));
    await settle();
    expect(refused.failure).toContain("[resource_exhausted]");
  }
  expect((await tasks.listTasks({})).tasks).toHaveLength(1);
});

test("a Task that there is not, or not for this caller, is not found", async () => {
  const { gateway } = world.clients;
  const { taskId } = await gateway.submitTask(spec({ name: "resize" }), as("theirs"));
  const follow = (id: string, who: string) => {
    const seen = collect(gateway.subscribeProgress({ taskId: id }, as(who)));
    return settle().then(() => seen.failure);
  };

  expect(await follow("", "mine")).toBe("[invalid_argument] task_id is empty: name the Task to follow.");
  const foreign = await follow(taskId, "mine");
  expect(foreign).toContain("[not_found]");
  expect(foreign.replace(taskId, "T")).toBe((await follow("T", "mine")).replace("T", "T"));
  expect(await follow(taskId, "theirs")).toBe("");
});

test("health says whether requests are served, and by which version", async () => {
  const { gateway, worker } = world.clients;
  const healthy = { healthy: true, version: "1.2.3" };
  expect(await gateway.healthCheck({})).toMatchObject(healthy);
  expect(await worker.healthCheck({})).toMatchObject(healthy);
});
