import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planOf } from "#domain/graph/plan";
import type { TaskDraft } from "#domain/task/task";
import { type TemplateBody, templateKey } from "#domain/template/template";
import { limits } from "#limits/index";
import { template } from "#testing/rows";
import { type BatchCreateTasksResponse, type Task, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

let opened: Opened;
let mount: Mount;

beforeEach(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterEach(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

const { createTask, batchCreateTasks, retryTask } = TaskService.method;

const fulfil: TemplateBody = {
  name: "fulfil",
  namespace_name: "orders",
  version: "1.0.0",
  steps: [
    { name: "pack", handler: { callable: "packer" } },
    { name: "ship", handler: { callable: "shipper" }, dependencies: ["pack"], compensate: "fetch_back" },
    { name: "fetch_back", handler: { callable: "shipper" } },
  ],
};

function register(part: Partial<TemplateBody> = {}): void {
  const body = { ...fulfil, ...part };
  const { name, namespace_name: namespace, version } = body;
  const row = template(name, version, { namespace, body });
  opened.plane.templates.set(templateKey(row), row);
}

const named = { namespace: "orders", name: "fulfil" };
const request = { template: named, inputJson: '{"order": 7}' };

async function drafted(fields: Record<string, unknown> = {}): Promise<TaskDraft> {
  const { error } = await mount.call(createTask, [create(createTask.input, { ...request, ...fields })]);
  const draft = opened.plane.drafts.at(-1);
  if (error || !draft) throw new Error(error?.message ?? "nothing was submitted");
  return draft;
}

async function refusal(fields: Record<string, unknown> = {}) {
  const { error } = await mount.call(createTask, [create(createTask.input, { ...request, ...fields })]);
  return error && `${error.code} ${error.reason} ${error.fields.join()}: ${error.message}`;
}

test("a Task of a template has its Steps, the version that was chosen, and what the template says", async () => {
  register();
  register({
    version: "1.1.0",
    lifecycle: { max_duration_minutes: 5 },
    hold_on_failure: true,
    environments: { test: { steps: [{ name: "ship", handler: { initialization: { dry: true } } }] } },
  });
  const { answers } = await mount.call(createTask, [create(createTask.input, request)]);
  const [draft] = opened.plane.drafts;

  expect(answers[0] as Task).toMatchObject({
    agentName: "",
    namespace: "orders",
    template: { ...named, version: "1.1.0" },
    steps: [{ name: "pack" }, { name: "ship", dependsOn: ["pack"] }],
  });
  expect(draft?.plan).toEqual(
    planOf(opened.plane.templates.get("orders/fulfil@1.1.0")?.body ?? fulfil, "test"),
  );
  expect(draft?.plan?.steps[1]?.spec.config).toEqual({ dry: true });
  expect(draft?.spec).toMatchObject({
    template: { ...named, version: "1.1.0" },
    environment: "test",
    timeoutMs: 300_000,
    maxAttempts: 0,
    holdOnFailure: true,
    isCompensable: true,
    parent: null,
    keyFor: 0,
  });
});

test("what the request says goes before what the template says", async () => {
  register({ lifecycle: { max_duration_minutes: 5 } });
  const { spec } = await drafted({ timeoutMs: 1_000n, maxAttempts: 7, maxLosses: 0 });

  expect(spec).toMatchObject({ timeoutMs: 1_000, maxAttempts: 7, maxLosses: 0 });
});

test("a template is looked for in the Task's namespace unless another is named", async () => {
  register();

  expect((await drafted({ namespace: "orders", template: { name: "fulfil" } })).namespace).toBe("orders");
  expect(await refusal({ template: { name: "fulfil" } })).toBe(
    "5 TEMPLATE_NOT_FOUND : Template not found: default/fulfil; register it first.",
  );
});

test("a version that is not there is refused with those that are", async () => {
  register();
  register({ version: "1.1.0" });

  expect(await refusal({ template: { ...named, version: "2.0.0" } })).toBe(
    "5 TEMPLATE_NOT_FOUND : Template not found: orders/fulfil@2.0.0; its versions are 1.1.0, 1.0.0.",
  );
});

test("a version is read once, the newest each time", async () => {
  register();
  const one = await drafted({ template: { ...named, version: "1.0.0" } });
  const two = await drafted({ template: { ...named, version: "1.0.0" } });

  expect(opened.plane.templatesRead).toBe(1);
  expect(two.plan).toBe(one.plan);
  const before = opened.plane.templatesRead;
  await drafted();
  register({ version: "1.2.0" });
  expect((await drafted()).spec.template?.version).toBe("1.2.0");
  expect(opened.plane.templatesRead).toBe(before + 2);
});

test("an input that the template does not take is refused with every place", async () => {
  const price = { type: "object", required: ["price"], properties: { price: { type: "number" } } };
  register({ version: "3.0.0", input_schema: { properties: { items: { items: price } }, required: ["to"] } });

  expect(await refusal({ inputJson: "[]" })).toBe(
    "3 INVALID input_json: input_json is no JSON object, which template orders/fulfil@3.0.0 takes: send {…}.",
  );
  expect(await refusal({ inputJson: '{"items": [{"price": "1"}, {}]}' })).toBe(
    "3 INPUT_SCHEMA input_json: input_json does not fit input_schema of template orders/fulfil@3.0.0: " +
      "the value must have required property 'to'; /items/0/price must be number; " +
      "/items/1 must have required property 'price'",
  );
  expect(await refusal({ inputJson: '{"to": "me", "items": []}' })).toBeUndefined();
});

test("a batch makes no more Steps than it may; the requests that fit are carried out", async () => {
  const steps = Array.from({ length: 1_000 }, (_, i) => ({ name: `s${i}`, handler: { callable: "a" } }));
  register({ version: "4.0.0", steps });
  const large = { ...request, template: { ...named, version: "4.0.0" } };
  const tasks = [large, large, { agentName: "a" }, large, large, { agentName: "b" }];
  const { answers, error } = await mount.call(batchCreateTasks, [create(batchCreateTasks.input, { tasks })]);
  const { results } = answers[0] as BatchCreateTasksResponse;

  expect(error).toBeUndefined();
  expect(results.map(({ result }) => result.case)).toEqual(["task", "task", "task", "task", "error", "task"]);
  expect(results[4]?.result.value).toMatchObject({
    code: 3,
    reason: "BATCH_TOO_LARGE",
    message: "tasks[4] brings the batch to 4001 Steps; the limit is 4000: send it in another batch.",
  });
  expect(limits.batchSteps).toBe(4_000);
});

test("a Task is done again by the version and in the environment it was made with", async () => {
  register({ lifecycle: { max_duration_minutes: 5 } });
  const { id } = await drafted({ idempotencyKey: "first" });
  register({ version: "1.1.0" });
  const row = opened.plane.finish(id, "error");
  const detail = opened.plane.details.get(id);
  if (!detail) throw new Error("the plane has lost the Task");
  const spec = { ...row.spec, environment: "staging" };
  opened.plane.details.set(id, { ...detail, task: { ...row, spec } });
  const again = create(retryTask.input, { id, idempotencyKey: "again" });
  await mount.call(retryTask, [again]);
  const draft = opened.plane.drafts.at(-1);

  expect(draft?.plan).toMatchObject({ template: { version: "1.0.0" }, environment: "staging" });
  expect(draft?.spec).toMatchObject({
    retryOf: id,
    timeoutMs: 300_000,
    idempotencyKey: "again",
    keyFor: 0,
  });
});

test("a Task is not done again while it is being compensated, and is afterwards", async () => {
  register();
  const [{ id }, { id: undoing }] = [await drafted(), await drafted()];
  const task = opened.plane.finish(id, "error");
  const detail = opened.plane.details.get(id);
  if (!detail) throw new Error("the plane has lost the Task");
  opened.plane.details.set(id, { ...detail, task: { ...task, compensatedBy: undoing } });
  const { error } = await mount.call(retryTask, [create(retryTask.input, { id })]);
  expect(`${error?.code} ${error?.reason}: ${error?.message}`).toMatch(
    /^9 BEING_COMPENSATED: Task id-\d+ is being compensated by Task id-\d+, which is \w+: wait for its end, or cancel it, and then try again\.$/,
  );
  opened.plane.finish(undoing, "complete");
  expect((await mount.call(retryTask, [create(retryTask.input, { id })])).error).toBe(undefined);
  // What compensated it may have been removed since.
  opened.plane.details.delete(undoing);
  expect((await mount.call(retryTask, [create(retryTask.input, { id })])).error).toBe(undefined);
});

test.each([
  [
    "a Step of another Task",
    { parent: { taskId: "p", stepName: "ship" } },
    /^9 TASK_IS_STEP : Task id-\d+ is Step "ship" of Task p: retry that one\.$/,
  ],
  [
    "what undoes another Task",
    { compensates: "p" },
    /^9 TASK_COMPENSATES : Task id-\d+ undoes what Task p did, which is done only once: /,
  ],
])("%s is not done again by itself", async (_, part, refused) => {
  register();
  const { id } = await drafted();
  const task = opened.plane.finish(id, "error");
  const detail = opened.plane.details.get(id);
  if (!detail) throw new Error("the plane has lost the Task");
  opened.plane.details.set(id, { ...detail, task: { ...task, spec: { ...task.spec, ...(part as object) } } });
  const { error } = await mount.call(retryTask, [create(retryTask.input, { id })]);

  expect(`${error?.code} ${error?.reason} ${error?.fields.join()}: ${error?.message}`).toMatch(refused);
});

test("a Task belongs to the namespace of its template, unless the request says otherwise", async () => {
  register();
  register({ namespace_name: "default" });
  const namespaceOf = async (request: object) => {
    await mount.call(createTask, [create(createTask.input, request)]);
    return opened.plane.drafts.at(-1)?.namespace;
  };
  expect(await namespaceOf({ template: { name: "fulfil", namespace: "orders" } })).toBe("orders");
  expect(await namespaceOf({ template: { name: "fulfil", namespace: "orders" }, namespace: "night" })).toBe(
    "night",
  );
  expect(await namespaceOf({ template: { name: "fulfil" } })).toBe("default");
  expect(await namespaceOf({ template: { name: "fulfil" }, namespace: "orders" })).toBe("orders");
  const [one, other] = [{}, { namespace: "orders" }].map((rest) =>
    namespaceOf({ template: { name: "fulfil", namespace: "orders" }, idempotencyKey: "k", ...rest }).then(
      () => opened.plane.drafts.at(-1)?.spec.fingerprint,
    ),
  );
  expect(await one).toBe(await other);
});
