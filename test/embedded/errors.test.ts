import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient, type TaskRunClient, TaskRunError } from "#client/index";
import { startTaskRun, type TaskRun } from "#embedded/index";
import { greet } from "./kit.js";

/** Every way to ask wrongly has the same answer in process and over gRPC. */
let taskrun: TaskRun;
let remote: TaskRunClient;
let ended = "";

beforeAll(async () => {
  taskrun = await startTaskRun({ store: "memory", log: "silent", agents: [greet] });
  const { grpc } = await taskrun.listen({ grpc: "127.0.0.1:0" });
  remote = createClient({ addr: grpc[0] ?? "" });
  const { client } = taskrun;
  ({ id: ended } = await client.tasks.create({
    agent: "greet",
    input: { name: "Ada" },
    idempotencyKey: "taken",
  }));
  await client.tasks.wait(ended);
  await client.templates.register(template);
});

afterAll(async () => {
  remote.close();
  await taskrun.stop();
});

const template = JSON.stringify({
  name: "flow",
  namespace_name: "default",
  version: "1.0.0",
  input_schema: { type: "object", required: ["to"], properties: { to: { type: "string" } } },
  steps: [{ name: "one", handler: { callable: "greet" } }],
});
const big = "x".repeat(5 * 1024 * 1024);
const cycle: Record<string, unknown> = {};
cycle.self = cycle;

type Ask = (client: TaskRunClient) => Promise<unknown>;

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

const asks: Readonly<Record<string, Ask>> = {
  "no agent": ({ tasks }) => tasks.create({ input: {} } as never),
  "an agent with an empty name": ({ tasks }) => tasks.create({ agent: "", input: {} }),
  "an agent's name with a control character": ({ tasks }) => tasks.create({ agent: "a\u0000b" }),
  "a name with half of a surrogate pair": ({ tasks }) => tasks.get("\ud800"),
  "an agent and a template": ({ tasks }) =>
    tasks.create({ agent: "greet", template: { name: "flow" } } as never),
  "input that is no JSON": ({ tasks }) => tasks.create({ agent: "greet", inputJson: "{oops" }),
  "input with a BigInt": ({ tasks }) => tasks.create({ agent: "greet", input: { n: 1n } }),
  "input with a cycle": ({ tasks }) => tasks.create({ agent: "greet", input: cycle }),
  "input that is too large": ({ tasks }) => tasks.create({ agent: "greet", input: "x".repeat(1_100_000) }),
  "a message that is too large": ({ tasks }) => tasks.create({ agent: "greet", input: big }),
  "input that is too deep": ({ tasks }) =>
    tasks.create({ agent: "greet", inputJson: "[".repeat(100) + "]".repeat(100) }),
  "input beside the schema": ({ tasks }) => tasks.create({ template: { name: "flow" }, input: { to: 5 } }),
  "a priority that is too high": ({ tasks }) => tasks.create({ agent: "greet", priority: 1_000 }),
  "a priority that is no number": ({ tasks }) => tasks.create({ agent: "greet", priority: 1.5 }),
  "a label that is no text": ({ tasks }) => tasks.create({ agent: "greet", labels: { a: 1 } as never }),
  "too many labels": ({ tasks }) =>
    tasks.create({
      agent: "greet",
      labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, ""])),
    }),
  "an instant in seconds": ({ tasks }) => tasks.create({ agent: "greet", startAtMs: 1_700_000_000 }),
  "the key of another request": ({ tasks }) =>
    tasks.create({ agent: "greet", input: { name: "Grace" }, idempotencyKey: "taken" }),
  "a template that is not there": ({ tasks }) => tasks.create({ template: { name: "nothing" } }),
  "a version that is not there": ({ tasks }) =>
    tasks.create({ template: { name: "flow", version: "9.9.9" } }),
  "a Task that is not there": ({ tasks }) => tasks.get("00000000-0000-0000-0000-000000000000"),
  "a result that is not there": ({ tasks }) => tasks.stepResult(ended, "other"),
  "a cancel of an ended Task": ({ tasks }) => tasks.cancel(ended),
  "a signal to an ended Task": ({ tasks }) => tasks.signal(ended, "approved"),
  "a resolution of a Step that has not failed": ({ tasks }) =>
    tasks.resolveStep(ended, "main", { action: "retry" }),
  "an unknown action": ({ tasks }) => tasks.resolveStep(ended, "main", { action: "dance" } as never),
  "a status that there is not": ({ tasks }) => tasks.page({ status: "LOST" as never }),
  "a page token of nobody": ({ tasks }) => tasks.page({ pageToken: "abc" }),
  "a page size that is no number": ({ tasks }) => tasks.page({ pageSize: 1.5 }),
  "a batch that is too long": ({ tasks }) =>
    tasks.createMany(Array.from({ length: 1_001 }, () => ({ agent: "greet" }))),
  "a watch of nothing": ({ tasks }) => drain(tasks.watch("nobody")),
  "a watch from beyond the end": ({ tasks }) => drain(tasks.watch(ended, { afterSeq: 10_000 })),
  "a worker that is not there": ({ workers }) => workers.get("nobody"),
  "a drain of nobody": ({ workers }) => workers.drain("nobody"),
  "a template with errors": ({ templates }) => templates.register("name: x\nsteps: []\n"),
  "a template that is no YAML": ({ templates }) => templates.register("a: [b"),
  "another body for a version": ({ templates }) => templates.register(template.replace("greet", "other")),
  "a template in another namespace": ({ templates }) => templates.register(template, "elsewhere"),
  "a call that is aborted before": ({ tasks }) => tasks.get(ended, { signal: AbortSignal.abort() }),
  "a timeout that is none": ({ tasks }) => tasks.get(ended, { timeoutMs: -1 }),
};

async function failureOf(ask: Ask, client: TaskRunClient): Promise<object> {
  const error = await ask(client).then(
    () => new Error("it was accepted"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TaskRunError)) throw new Error("no TaskRunError", { cause: error });
  const { code, reason, message, violations, retryAfterMs, metadata } = error;
  return { code, reason, message, violations, retryAfterMs, metadata };
}

test.each(Object.entries(asks))("%s fails in process as over gRPC", async (_, ask) => {
  const local = await failureOf(ask, taskrun.client);

  expect(local).toEqual(await failureOf(ask, remote));
  expect(local).toMatchObject({ code: expect.not.stringMatching(/^(INTERNAL|UNKNOWN|UNAVAILABLE)$/) });
});

test("each request of a batch is judged as over gRPC", async () => {
  const requests = [
    { agent: "greet", input: { name: "Ada" } },
    { agent: "", input: {} },
    { template: { name: "flow" }, input: {} },
  ];
  const judged = async ({ tasks }: TaskRunClient) =>
    (await tasks.createMany(requests)).map((each) =>
      each.ok ? "ok" : [each.error.code, each.error.reason, each.error.message],
    );

  expect(await judged(taskrun.client)).toEqual(await judged(remote));
});

test("answers are the same as over gRPC", async () => {
  const page = await taskrun.client.tasks.page({ idPrefix: ended });

  expect(await taskrun.client.tasks.get(ended)).toEqual(await remote.tasks.get(ended));
  expect(page).toEqual(await remote.tasks.page({ idPrefix: ended }));
  expect(page.tasks).toHaveLength(1);
  expect(await taskrun.client.templates.get({ name: "flow" })).toEqual(
    await remote.templates.get({ name: "flow" }),
  );
});
