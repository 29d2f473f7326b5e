import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { createClient } from "#client/index";
import { TemplateSchema } from "#wire/gen/taskrun/v1/template_service_pb";
import { aTask, Code, fakePlane, refuse, type TaskRpcs, type TemplateRpcs } from "./fake-plane.js";

/** Runs a story with a client of a server that answers these rpcs. */
async function withPlane<T>(
  rpcs: { readonly tasks?: TaskRpcs; readonly templates?: TemplateRpcs },
  story: (client: ReturnType<typeof createClient>) => Promise<T>,
): Promise<T> {
  await using plane = await fakePlane(rpcs.tasks ?? {}, {}, rpcs.templates ?? {});
  const client = createClient({ addr: plane.addr, namespace: "ops", timeoutMs: 60_000 });
  try {
    return await story(client);
  } finally {
    client.close();
  }
}

function aTemplate(init: MessageInitShape<typeof TemplateSchema> = {}) {
  return create(TemplateSchema, {
    namespace: "orders",
    name: "fulfil",
    version: "1.0.0",
    stepCount: 2,
    registeredAtMs: 7n,
    ...init,
  });
}

const finding = {
  code: "ORPHAN_STEP",
  severity: "warning",
  message: "is alone",
  stepName: "s",
  line: 3,
  column: 5,
};

test("a task of a template is asked for by its name, and comes back with the version that was chosen", async () => {
  const asked: unknown[] = [];
  const task = await withPlane(
    {
      tasks: {
        createTask({ agentName, template }) {
          asked.push(agentName, template);
          return aTask({
            agentName,
            template: { namespace: "orders", name: "fulfil", version: "1.0.0" },
            steps: [{ name: "pack", type: "map", startedAtMs: 5n, finishedAtMs: 6n, childTaskId: "c" }],
            parentTaskId: "p",
            parentStepName: "s",
            compensates: "u",
            compensatedBy: "v",
          });
        },
      },
    },
    (client) =>
      client.tasks.create({ template: { namespace: "orders", name: "fulfil" }, input: { order: 7 } }),
  );

  expect(asked).toMatchObject(["", { namespace: "orders", name: "fulfil", version: "" }]);
  expect(task).toMatchObject({
    agent: "",
    template: { namespace: "orders", name: "fulfil", version: "1.0.0" },
    steps: [{ name: "pack", type: "map", startedAtMs: 5, finishedAtMs: 6, childTaskId: "c" }],
    parentTaskId: "p",
    parentStepName: "s",
    compensates: "u",
    compensatedBy: "v",
  });
});

test("a key that the client draws says so, and one of the caller's own goes out as it is", async () => {
  const keys: string[] = [];
  const answer = ({ idempotencyKey }: { idempotencyKey: string }) => {
    keys.push(idempotencyKey);
    return aTask();
  };
  await withPlane({ tasks: { createTask: answer, retryTask: answer } }, async ({ tasks }) => {
    await tasks.create({ agent: "a" });
    await tasks.create({ agent: "a", idempotencyKey: "order-7" });
    await tasks.retry("t1");
  });

  const drawn = expect.stringMatching(/^drawn:[0-9a-f-]{36}$/);
  expect(keys).toEqual([drawn, "order-7", drawn]);
});

test("a signal carries its payload, and a step is settled in the operator's words", async () => {
  const heard: unknown[] = [];
  await withPlane(
    {
      tasks: {
        signalTask({ id, signal, payloadJson, reason }) {
          heard.push([id, signal, payloadJson, reason]);
          return aTask();
        },
        resolveStep({ taskId, stepName, action, resultJson, reason }) {
          heard.push([taskId, stepName, action, resultJson, reason]);
          return aTask();
        },
      },
    },
    async ({ tasks }) => {
      await tasks.signal("t1", "approve", { by: "me" });
      await tasks.signal("t1", "approve", undefined, { reason: "seen it" });
      await tasks.resolveStep("t1", "pack", { action: "retry" });
      await tasks.resolveStep("t1", "", { action: "resolve" });
      await tasks.resolveStep("t1", "pack", { action: "complete", result: [1], reason: "paid" });
    },
  );

  expect(heard).toEqual([
    ["t1", "approve", '{"by":"me"}', ""],
    ["t1", "approve", "", "seen it"],
    ["t1", "pack", 1, "", ""],
    ["t1", "", 2, "", ""],
    ["t1", "pack", 3, "[1]", "paid"],
  ]);
});

test("a template is registered, checked and read as plain objects", async () => {
  const template = aTemplate({ source: "name: fulfil\n", bodyJson: '{"name":"fulfil"}' });
  const answers = await withPlane(
    {
      templates: {
        register: () => ({ template, created: true, findings: [finding] }),
        get: ({ template: { namespace = "", version = "" } = {} }) =>
          aTemplate({ namespace, version, source: "s", bodyJson: "{}" }),
        validate: () => ({ valid: false, findings: [finding], stepCount: 2, hasCycles: true }),
      },
    },
    async ({ templates }) => ({
      registered: await templates.register("name: fulfil\n"),
      got: await templates.get({ name: "fulfil", version: "1.0.0" }),
      checked: await templates.validate("name: fulfil\n"),
    }),
  );

  expect(answers.registered).toEqual({
    template: {
      namespace: "orders",
      name: "fulfil",
      version: "1.0.0",
      description: "",
      stepCount: 2,
      registeredAtMs: 7,
      digest: "",
      source: "name: fulfil\n",
      bodyJson: '{"name":"fulfil"}',
    },
    created: true,
    findings: [finding],
  });
  expect(answers.got).toMatchObject({ namespace: "ops", name: "fulfil", version: "1.0.0", source: "s" });
  expect(answers.checked).toEqual({ valid: false, findings: [finding], stepCount: 2, hasCycles: true });
});

test("templates are listed page by page, without their text", async () => {
  const asked: unknown[] = [];
  const versions = await withPlane(
    {
      templates: {
        list({ namespace, name, pageToken }) {
          asked.push([namespace, name, pageToken]);
          return pageToken === ""
            ? { templates: [aTemplate({ version: "1.1.0" })], nextPageToken: "more" }
            : { templates: [aTemplate()], nextPageToken: "" };
        },
      },
    },
    async ({ templates }) => {
      const found = [];
      for await (const template of templates.list({ name: "fulfil" })) found.push(template);
      return found;
    },
  );

  expect(asked).toEqual([
    ["ops", "fulfil", ""],
    ["ops", "fulfil", "more"],
  ]);
  expect(versions.map(({ version }) => version)).toEqual(["1.1.0", "1.0.0"]);
  expect(versions[0]).not.toHaveProperty("source");
});

test("a version that is known with another body fails as the server says", async () => {
  const refused = withPlane(
    { templates: { register: () => refuse(Code.AlreadyExists, "steps.pack.retry: 3 → 5") } },
    ({ templates }) => templates.register("name: fulfil\n"),
  );

  await expect(refused).rejects.toMatchObject({ code: "ALREADY_EXISTS", message: "steps.pack.retry: 3 → 5" });
});
