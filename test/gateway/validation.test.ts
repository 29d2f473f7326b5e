import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import type { TaskDraft } from "#domain/task/task";
import { millis } from "#domain/time/time";
import { carries } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { allMounts, grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

let opened: Opened;
let mount: Mount;

beforeAll(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterAll(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

type Method = (typeof TaskService.methods)[number];

async function refused(method: Method, request: Record<string, unknown>): Promise<string> {
  const { error } = await mount.call(method, [create(method.input, request)]);
  return error ? `${error.code} ${error.fields.join()}: ${error.message}` : "accepted";
}

const { createTask, batchCreateTasks, getTask, listTasks, watchTask, retryTask } = TaskService.method;
const agentName = "a";
const kib = (n: number) => "x".repeat(n * 1024);
const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const entries = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, "v"]));

test.each<[string, Method, Record<string, unknown>, string]>([
  [
    "neither agent nor template",
    createTask,
    {},
    "3 agent_name: agent_name or template is required: name the agent that is to do the work, or the template to make the Task from.",
  ],
  [
    "both",
    createTask,
    { agentName, template: { name: "t" } },
    "3 agent_name: agent_name and template are both set: name the agent or the template, not both.",
  ],
  [
    "a template without a name",
    createTask,
    { template: { version: "1.0.0" } },
    "3 template.name: template.name is required: send the name of a template, as TemplateService.List shows it.",
  ],
  [
    "a version that is none",
    createTask,
    { template: { name: "t", version: "one" } },
    "3 template.version: template.version is no version: send one as 1.2.3, or nothing for the newest.",
  ],
  [
    "a word that is no JSON",
    createTask,
    { agentName, inputJson: "{\n  query: 1}" },
    '3 input_json: input_json is not JSON: unexpected "q" at line 2, column 3. Send valid JSON text.',
  ],
  [
    "JSON that stops",
    createTask,
    { agentName, inputJson: '{"a": [1, 2' },
    "3 input_json: input_json is not JSON: the text ends too early at line 1, column 12. Send valid JSON text.",
  ],
  [
    "JSON with something behind",
    createTask,
    { agentName, inputJson: "{} {}" },
    '3 input_json: input_json is not JSON: unexpected "{" at line 1, column 4. Send valid JSON text.',
  ],
  [
    "a large input",
    createTask,
    { agentName, inputJson: `"${kib(1024)}"` },
    "3 input_json: input_json is 1048578 bytes long; the limit is 1048576 bytes: store the data elsewhere and send a reference.",
  ],
  [
    "a deep input",
    createTask,
    { agentName, inputJson: deep(65) },
    '3 input_json: input_json is nested deeper than 64 levels: unexpected "[" at line 1, column 65. Send flatter JSON, or the inner part as a string.',
  ],
  ["an input of the deepest kind", createTask, { agentName, inputJson: deep(64) }, "accepted"],
  ["brackets in strings", createTask, { agentName, inputJson: JSON.stringify(deep(100)) }, "accepted"],
  ["no input", createTask, { agentName }, "accepted"],
  [
    "many labels",
    createTask,
    { agentName, labels: entries(65) },
    "3 labels: labels has 65 entries; the limit is 64: send fewer.",
  ],
  [
    "a long label",
    createTask,
    { agentName, labels: { k: kib(1) } },
    '3 labels: labels has an entry "k" whose name or value is over 256 bytes: send a shorter one.',
  ],
  [
    "a long selector",
    createTask,
    { agentName, workerSelector: { k: kib(1) } },
    '3 worker_selector: worker_selector has an entry "k" whose name or value is over 256 bytes: send a shorter one.',
  ],
  [
    "a high priority",
    createTask,
    { agentName, priority: 101 },
    "3 priority: priority is 101; send a number from -100 to 100: higher goes first, 0 is usual.",
  ],
  [
    "a low priority",
    createTask,
    { agentName, priority: -101 },
    "3 priority: priority is -101; send a number from -100 to 100: higher goes first, 0 is usual.",
  ],
  [
    "a negative timeout",
    createTask,
    { agentName, timeoutMs: -1n },
    "3 timeout_ms: timeout_ms is -1; send a number from 0 to 3153600000000: milliseconds, where 0 means no limit.",
  ],
  [
    "many attempts",
    createTask,
    { agentName, maxAttempts: 101 },
    "3 max_attempts: max_attempts is 101; send a number from 0 to 100: total tries, where 0 means the default.",
  ],
  [
    "many losses",
    createTask,
    { agentName, maxLosses: 101 },
    "3 max_losses: max_losses is 101; send a number from 0 to 100: runs of each step that may be lost with their worker.",
  ],
  [
    "a start in no calendar",
    createTask,
    { agentName, startAtMs: 2n ** 60n },
    "3 start_at_ms: start_at_ms is 1152921504606846976; send a number from 0 to 8640000000000000: Unix milliseconds, where 0 means at once.",
  ],
  [
    "a long key",
    createTask,
    { agentName, idempotencyKey: kib(1) },
    "3 idempotency_key: idempotency_key is 1024 bytes long; the limit is 256 bytes: send a shorter one.",
  ],
  [
    "a name for terminals",
    createTask,
    { agentName: "a\u001b[2J" },
    "3 agent_name: agent_name contains control characters: send printable text only.",
  ],
  ["no id", getTask, {}, "3 id: id is required: send the id of a Task, as CreateTask answered it."],
  [
    "a foreign page token",
    listTasks,
    { pageToken: "../etc" },
    "3 page_token: page_token is not understood: send the next_page_token of the page before, or nothing.",
  ],
  [
    "a status that is none",
    listTasks,
    { statusFilter: 77 },
    "3 status_filter: status_filter is 77, which is no TaskStatus: send 0 for any.",
  ],
  [
    "a state that is none",
    listTasks,
    { states: [1, 99] },
    "3 states[1]: states[1] is 99, which is no TaskState.",
  ],
  [
    "states that the status excludes",
    listTasks,
    { statusFilter: 3, states: [10] },
    "3 states: states has no state of the status COMPLETED: send one of it, or no status.",
  ],
  [
    "a cause that is a slip",
    listTasks,
    { waiting: "WROKER" },
    '3 waiting: waiting is "WROKER", which may be a slip of WORKER; send one of START_TIME, TURN, PAUSED, WORKER, BACKOFF, OPERATOR, or * for all that wait.',
  ],
  [
    "a cause of Steps",
    listTasks,
    { waiting: "signal" },
    "3 waiting: waiting is SIGNAL, for which Steps wait and no Task as a whole: send one of START_TIME, TURN, PAUSED, WORKER, BACKOFF, OPERATOR, or * for all that wait. ExplainTask tells of a Task's Steps.",
  ],
  [
    "a cause that no Task of the status waits for",
    listTasks,
    { statusFilter: 4, waiting: "ANY" },
    "3 waiting: waiting is *, and no Task of the status FAILED waits for that: leave one of the two out.",
  ],
  [
    "a cause that no Task in the states waits for",
    listTasks,
    { states: [7], waiting: "WORKER" },
    "3 waiting: waiting is WORKER, and no Task in the given states waits for that: leave one of the two out.",
  ],
  [
    "instants with nothing in between",
    listTasks,
    { createdAfterMs: 5n, createdBeforeMs: 5n },
    "3 created_before_ms: created_before_ms is 5, which is not later than created_after_ms, 5: send a later instant, or leave one out.",
  ],
  [
    "an instant that no id can name",
    listTasks,
    { createdAfterMs: 2n ** 48n },
    "3 created_after_ms: created_after_ms is 281474976710656; send a number from 0 to 281474976710655: Unix milliseconds, where 0 means any.",
  ],
  [
    "a template without a name",
    listTasks,
    { template: { namespace: "shop" } },
    "3 template.name: template.name is required: send the name of a template, as TemplateService.List shows it.",
  ],
  [
    "a cursor beyond counting",
    watchTask,
    { id: "x", afterSeq: 2n ** 63n },
    "3 after_seq: after_seq is 9223372036854775808; send a number from 0 to 9007199254740991: the seq of the last event seen, or 0.",
  ],
  ["an empty batch", batchCreateTasks, {}, "3 tasks: tasks has 0 entries; send 1 to 1000 in one batch."],
  ["an unknown id", getTask, { id: "nope" }, "5 : Task not found: nope"],
  ["a retry of an unknown id", retryTask, { id: "nope" }, "5 : Task not found: nope"],
  ["a watch of an unknown id", watchTask, { id: "nope" }, "5 : Task not found: nope"],
])("%s is answered by what is wrong and the way out", async (_, method, request, answer) => {
  expect(await refused(method, request)).toBe(answer);
});

test("a request that is refused in a batch does not hinder the others, and names its place", async () => {
  const request = create(batchCreateTasks.input, { tasks: [{ agentName, priority: 200 }, { agentName }] });
  const { answers } = await mount.call(batchCreateTasks, [request]);

  expect(answers).toMatchObject([
    {
      results: [
        {
          result: {
            case: "error",
            value: { code: 3, message: expect.stringContaining("tasks[0].priority is 200") },
          },
        },
        { result: { case: "task", value: { agentName } } },
      ],
    },
  ]);
});

test("defaults are filled in before the plane sees the request", async () => {
  await mount.call(createTask, [create(createTask.input, { agentName })]);

  expect(opened.plane.drafts.at(-1)).toMatchObject({
    namespace: "default",
    input: "{}",
    spec: {
      maxAttempts: 1,
      priority: 0,
      timeoutMs: 0,
      idempotencyKey: "",
      fingerprint: "",
      principal: "local",
    },
  });
});

test("requests are the same if all but key and correlation id is, however their labels are ordered", async () => {
  const draftOf = async (request: Record<string, unknown>) => {
    await mount.call(createTask, [create(createTask.input, { agentName, idempotencyKey: "k", ...request })]);
    return opened.plane.drafts.at(-1)?.spec.fingerprint;
  };
  const first = await draftOf({ labels: { a: "1", b: "2" }, inputJson: "{}", correlationId: "one" });

  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await draftOf({ labels: { b: "2", a: "1" }, idempotencyKey: "other" })).toBe(first);
  expect(await draftOf({ labels: { a: "1", b: "2" }, inputJson: "{ }" })).not.toBe(first);
  expect(await draftOf({ labels: { a: "1", b: "2" }, priority: 1 })).not.toBe(first);
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", ""])(
  "a label or selector called %j is kept, and finds its Task",
  async (name) => {
    const labels = Object.fromEntries([[name, "x"]]);
    await mount.call(createTask, [create(createTask.input, { agentName, labels, workerSelector: labels })]);
    const { spec } = opened.plane.drafts.at(-1) as TaskDraft;
    expect([Object.entries(spec.labels), Object.entries(spec.workerSelector)]).toEqual([
      [[name, "x"]],
      [[name, "x"]],
    ]);
    expect(carries(spec.labels, labels)).toBe(true);
    expect(carries({}, labels)).toBe(false);
  },
);

test("a page has as many Tasks as asked for, within bounds, and the token leads on", async () => {
  opened.plane.details.clear();
  for (let i = 0; i < 5; i++) await mount.call(createTask, [create(createTask.input, { agentName })]);
  const list = async (request: Record<string, unknown>) => {
    const { answers } = await mount.call(listTasks, [create(listTasks.input, request)]);
    return answers[0] as unknown as { tasks: { id: string }[]; nextPageToken: string };
  };
  const first = await list({ pageSize: 3 });
  const second = await list({ pageSize: 3, pageToken: first.nextPageToken });

  expect([first.tasks.length, second.tasks.length]).toEqual([3, 2]);
  expect(second.nextPageToken).toBe("");
  expect(new Set([...first.tasks, ...second.tasks].map(({ id }) => id)).size).toBe(5);
});

test("a page ends at 2 MiB, with a token that leads on", async () => {
  opened.plane.details.clear();
  const labels = Object.fromEntries(
    Array.from({ length: 64 }, (_, i) => [`${i}`.padEnd(256, "k"), "v".repeat(256)]),
  );
  for (let i = 0; i < 70; i++)
    await mount.call(createTask, [create(createTask.input, { agentName, labels })]);
  const { answers } = await mount.call(listTasks, [create(listTasks.input, {})]);
  const [page] = answers as unknown as { tasks: unknown[]; nextPageToken: string }[];

  expect(page?.tasks.length).toBeLessThan(70);
  expect(page?.tasks.length).toBeGreaterThan(55);
  expect(page?.nextPageToken).not.toBe("");
  expect(limits.pageBytes).toBe(2 * 1024 * 1024);
});

test("a failure carries its details over every mount", async () => {
  const mounts = allMounts(opened);
  const request = create(createTask.input, { agentName });
  const seen = [];
  opened.plane.refusal = new Fault("overloaded", "the queue is full; try again.", {
    retryAfter: millis(3_000),
  });
  for (const each of mounts) seen.push((await each.call(createTask, [request])).error);
  opened.plane.refusal = undefined;
  for (const each of mounts) each.close();

  const expected = {
    code: 8,
    message: "the queue is full; try again.",
    reason: "OVERLOADED",
    fields: [],
    retrySeconds: 3,
  };
  expect(seen).toEqual(mounts.map(() => expected));
});

test("a Task that has ended is not cancelled again, one that has not is not retried", async () => {
  const { answers } = await mount.call(createTask, [create(createTask.input, { agentName })]);
  const { id } = answers[0] as unknown as { id: string };

  expect(await refused(retryTask, { id })).toBe(
    `9 : Task ${id} has not ended: it is enqueuing_steps. Cancel it first, or wait for its end.`,
  );
  expect(await refused(TaskService.method.cancelTask, { id })).toBe("accepted");
  expect(await refused(TaskService.method.cancelTask, { id })).toBe(
    `9 : Task ${id} is already in terminal state: Cancelled`,
  );
  expect(await refused(retryTask, { id })).toBe("accepted");
  expect(opened.plane.drafts.at(-1)?.spec.retryOf).toBe(id);
});
