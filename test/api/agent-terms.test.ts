import { afterEach, beforeEach, expect, test } from "vitest";
import { createTask } from "#api/tasks/create-task";
import { retryTask } from "#api/tasks/retry-task";
import { run, type Services } from "#api/use-case";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { type Announcement, type KnownAgent, NOTHING_ANNOUNCED } from "#domain/worker/agent";
import { limits } from "#limits/index";
import { FakePlane } from "../gateway/kit/fake-plane.js";
import { requestOf, servicesFor } from "./services.js";

let plane: FakePlane;
let services: Services;
let schemas: Services["schemas"];

beforeEach(() => {
  plane = new FakePlane();
  services = servicesFor(plane);
  schemas = services.schemas;
});
afterEach(() => schemas.close());

const announced = (inputSchema: string, part: Partial<Announcement> = {}): Announcement => ({
  ...NOTHING_ANNOUNCED,
  digest: `of ${inputSchema}`,
  inputSchema,
  ...part,
});

/** Makes the agent known, with these announcements of connected workers, the last one the newest. */
function know(name: string, current: readonly Announcement[], last = current.at(-1)): void {
  const row = last && { namespace: "", name, description: "", announced: last, seenAt: millis(1) as never };
  const workers = current.map((each) => ({ announced: each, workers: 1 }));
  plane.known.set(name, { namespace: "", name, row, current: workers } satisfies KnownAgent);
}

const PERSON = '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}';
const request = (part: object = {}) => ({
  agentName: "greet",
  inputJson: "{}",
  createdBy: "",
  labels: {},
  idempotencyKey: "",
  priority: 0,
  timeoutMs: 0,
  maxAttempts: 0,
  namespace: "",
  workerSelector: {},
  correlationId: "",
  startAtMs: 0,
  ...part,
});
const create = (part: object = {}) => run(createTask, request(part) as never, requestOf(services));
const warningsOf = async (part: object = {}) => (await create(part)).task.spec.warnings;

test("an input that fits what all workers announce makes a Task without a word", async () => {
  know("greet", [announced(PERSON)]);
  expect(await warningsOf({ inputJson: '{"name":"Ada"}' })).toBeUndefined();
});

test("while all workers announce one schema, an input that does not fit is refused, naming the place", async () => {
  know("greet", [announced(PERSON)]);
  await expect(create()).rejects.toMatchObject({
    code: "invalid",
    reason: "INPUT_SCHEMA",
    details: { field: "input_json" },
    message: expect.stringMatching(
      /input_json does not fit the schema that the workers of agent "greet" announce.*name/,
    ),
  });
  expect(plane.drafts).toEqual([]);
});

test("with a key the plane decides: the Task may be there, made before the schema was announced", async () => {
  know("greet", [announced(PERSON)]);
  await create({ idempotencyKey: "k" });
  expect(plane.drafts[0]?.refusal).toBeInstanceOf(Fault);
});

test("while workers do not agree, the same is a warning", async () => {
  know("greet", [announced(PERSON), announced("")]);
  expect(await warningsOf()).toEqual([
    expect.stringMatching(
      /^input_json does not fit one of the 2 schemas that workers of agent "greet" announce: .*name/,
    ),
  ]);
  expect(await warningsOf({ inputJson: '{"name":"Ada"}' })).toBeUndefined();
});

test("while no worker is connected, the one that was announced last warns", async () => {
  know("greet", [], announced(PERSON));
  expect(await warningsOf()).toEqual([
    expect.stringContaining("announced last; no worker of it is connected"),
  ]);
});

test("a schema that is none says nothing: the Task is made with a warning", async () => {
  know("greet", [announced('{"type":"strng"}')]);
  expect(await warningsOf()).toEqual([
    expect.stringMatching(/^SCHEMA_INVALID: input_json could not be checked/),
  ]);
});

test("a check beyond the limits is refused as SCHEMA_LIMIT", async () => {
  const hostile = {
    ...services.schemas,
    known: () => ({ type: "limit", text: "it took too long" }) as const,
  };
  services = { ...services, schemas: hostile as never };
  know("greet", [announced(PERSON)]);
  await expect(create()).rejects.toMatchObject({ code: "invalid", reason: "SCHEMA_LIMIT" });
});

test("an agent that nobody has announced is asked for all the same, with the names that are near", async () => {
  plane.known.set("greet", undefined);
  for (const name of ["great", "greeet", "refund"]) know(name, [announced("")]);
  const [warning, ...others] = (await warningsOf()) ?? [];
  expect(warning).toBe(
    'When this Task was created, no worker had ever announced an agent "greet" in namespace "default": it waits for one. Names that are near: "great", "greeet".',
  );
  expect(others).toEqual([]);
});

test("where no name is near, none is named; the warning has a bound", async () => {
  const long = "x".repeat(limits.idBytes);
  plane.known.set(long, undefined);
  const [warning] = (await warningsOf({ agentName: long })) ?? [];
  expect(warning).not.toContain("near");
  expect(Buffer.byteLength(warning ?? "")).toBeLessThanOrEqual(limits.taskWarningBytes);
});

test("how often a Task is tried: as the request says, or its agent announces, or once", async () => {
  know("greet", [announced("", { retry: { attempts: 5, only: [] } })]);
  expect((await create()).task.spec.maxAttempts).toBe(5);
  expect((await create({ maxAttempts: 2 })).task.spec.maxAttempts).toBe(2);
  know("greet", [announced("")]);
  expect((await create()).task.spec.maxAttempts).toBe(limits.defaultAttempts);
});

test("a retry has the warnings of its own time, not those of the Task that it does again", async () => {
  plane.known.set("greet", undefined);
  const { task } = await create();
  expect(task.spec.warnings).toHaveLength(1);
  plane.finish(task.id, "error");
  const again = () => run(retryTask, { id: task.id, idempotencyKey: "", reason: "" }, requestOf(services));
  expect((await again()).task.spec.warnings).toEqual(task.spec.warnings);
  know("greet", [announced("")]);
  expect((await again()).task.spec.warnings).toBeUndefined();
});
