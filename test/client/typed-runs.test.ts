import { expect, test } from "vitest";
import { z } from "zod";
import { type CreateTask, createClient, type TaskEvent, type TaskRunError } from "#client/index";
import { workflow } from "#templates/index";
import { agent } from "#worker/index";
import { aTask, Code, fakePlane, lifeOf, refuse } from "./fake-plane.js";

const count = agent({
  name: "count",
  input: z.object({ text: z.string() }),
  run: async ({ text }) => ({ words: text.length }),
});
const flow = workflow("flow", { namespace: "shop", version: "1.2.0" }, (w) => w.step("a", { agent: count }));

/** Runs a story, and returns what was asked of the server. */
async function asked(story: (client: ReturnType<typeof createClient>) => Promise<unknown>) {
  const requests: unknown[] = [];
  await using plane = await fakePlane({
    createTask: (request) => {
      const { agentName, inputJson, template, namespace, labels, idempotencyKey } = request;
      requests.push({
        agentName,
        inputJson,
        template: template && { ...template },
        namespace,
        labels,
        idempotencyKey,
      });
      return aTask({ id: "t1" });
    },
    watchTask: async function* () {
      yield* lifeOf("t1", []);
    },
    getTask: () => aTask({ id: "t1", status: 3, outputJson: '{"words":4}' }),
  });
  const client = createClient({ addr: plane.addr, namespace: "ops", timeoutMs: 60_000 });
  try {
    return { result: await story(client), request: requests[0] };
  } finally {
    client.close();
  }
}

test("an agent is asked for by its name, with the input and the fields of the options", async () => {
  const { result, request } = await asked(({ tasks }) =>
    tasks.run(count, { text: "four" }, { labels: { a: "b" }, idempotencyKey: "k", onEvent: () => {} }),
  );

  expect(result).toEqual({ words: 4 });
  expect(request).toMatchObject({
    agentName: "count",
    inputJson: '{"text":"four"}',
    namespace: "ops",
    labels: { a: "b" },
    idempotencyKey: "k",
  });
});

test("a workflow is asked for by its namespace, name and version", async () => {
  const { request } = await asked(({ tasks }) => tasks.run(flow));

  const template = { namespace: "shop", name: "flow", version: "1.2.0" };
  expect(request).toMatchObject({ agentName: "", inputJson: "", namespace: "", template });
});

test("its options reach the wait, beside those that are of the request", async () => {
  let calls = 0;
  const lost: string[] = [];
  await using plane = await fakePlane({
    runTask: () => {
      calls += 1;
      if (calls === 1) refuse(Code.Unavailable, "away");
      return aTask({ id: "t1", status: 3, outputJson: '{"words":4}' });
    },
  });
  const { tasks, close } = createClient({ addr: plane.addr });
  const onLost = ({ code }: TaskRunError) => void lost.push(code);

  expect(await tasks.run(count, { text: "four" }, { onLost })).toEqual({ words: 4 });
  expect(lost).toEqual(["UNAVAILABLE"]);
  const aborted = tasks.run(count, { text: "four" }, { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ code: "CANCELLED" });
  close();
});

test("a listener that is async is awaited, in order, and what it throws ends the wait", async () => {
  await using plane = await fakePlane({
    createTask: () => aTask({ id: "t1" }),
    watchTask: async function* () {
      yield* lifeOf("t1", ["a", "b"]);
    },
    getTask: () => aTask({ id: "t1", status: 3, outputJson: '{"words":4}' }),
  });
  const { tasks, close } = createClient({ addr: plane.addr });
  const heard: string[] = [];
  const onEvent = async ({ seq }: TaskEvent) => {
    heard.push(`begun ${seq}`);
    await new Promise((resolve) => setImmediate(resolve));
    heard.push(`done ${seq}`);
  };
  await tasks.run(count, { text: "four" }, { onEvent });
  expect(heard).toEqual([1, 2, 3, 4, 5, 6].flatMap((seq) => [`begun ${seq}`, `done ${seq}`]));

  const full = tasks.run(count, { text: "four" }, { onEvent: async () => Promise.reject(new Error("full")) });
  await expect(full).rejects.toThrow("full");
  close();
});

const any = <T>(value: unknown) => value as T;

test.each([
  [
    "an agent's name without an agent",
    any<CreateTask>({ name: "count" }),
    {},
    {},
    "request has a name and is no agent",
  ],
  [
    "an input in the options too",
    count,
    { text: "a" },
    { input: 1 },
    "options has agent, template, input or inputJson",
  ],
  [
    "another agent in the options",
    count,
    { text: "a" },
    { agent: "b" },
    "options has agent, template, input",
  ],
  ["an option that there is not", count, { text: "a" }, { key: "k" }, "options has no key; there are signal"],
  ["options of text", count, { text: "a" }, "fast", 'options is "fast"; send an object.'],
  ["no JSON value", count, 5n, {}, "input_json cannot be written as JSON"],
  ["a listener of text", count, { text: "a" }, { onEvent: "log" }, 'onEvent is "log"; send a function.'],
])("%s is refused before anything is sent", async (_, first, second, third, message) => {
  const { tasks, close } = createClient({ addr: "127.0.0.1:1" });
  const run = tasks.run.bind(tasks) as (...given: unknown[]) => Promise<unknown>;

  await expect(run(first, second, third)).rejects.toThrow(message);
  close();
});

test("a request whose agent happens to have a name beside it is a request", async () => {
  const { request } = await asked(({ tasks }) => tasks.run(any<CreateTask>({ agent: "a", name: "x" })));

  expect(request).toMatchObject({ agentName: "a" });
});
