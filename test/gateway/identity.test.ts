import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { identityOf } from "#api/tasks/identity";
import { type NewTask, newTaskInput } from "#api/tasks/new-task-input";
import { planOf } from "#domain/graph/plan";
import type { TemplateBody } from "#domain/template/template";
import { CreateTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";

function plan(part: Partial<TemplateBody>) {
  const steps = [{ name: "one", handler: { callable: "a" } }];
  const body = { name: "t", namespace_name: "ns", version: "1.0.0", steps, ...part };
  return planOf(body, "test");
}

function request(fields: Partial<NewTask> = {}): NewTask {
  const wire = create(CreateTaskRequestSchema, { template: { name: "t" } });
  return { ...newTaskInput.parse(wire), ...fields };
}

const identity = (part: Partial<TemplateBody>, fields?: Partial<NewTask>) =>
  identityOf(request(fields), "ns", plan(part));

test("unless its template says otherwise a Task is known by the key it was given, or by none", () => {
  expect(identity({})).toEqual({ idempotencyKey: "", fingerprint: "", keyFor: 0 });
  expect(identity({}, { idempotencyKey: "k" })).toEqual({
    idempotencyKey: "k",
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    keyFor: 0,
  });
});

test("a request is known as it was before there were losses, unless it names them", () => {
  const of = (fields: Partial<NewTask>) => identity({}, { idempotencyKey: "k", ...fields }).fingerprint;

  expect(of({})).toBe("61042074e4f9fb49fb2c640f93cac994a21abe76b9b719b450708424baeae4b6");
  expect(new Set([of({}), of({ maxLosses: 0 }), of({ maxLosses: 3 })]).size).toBe(3);
});

test("a request for another template, or another version of it, is another request", () => {
  const of = (version: string, name = "t") => {
    const template = { namespace: "", name, version };
    return identity({}, { idempotencyKey: "k", template }).fingerprint;
  };

  expect(of("")).toBe(of(""));
  expect(new Set([of(""), of("1.0.0"), of("1.1.0"), of("", "u")]).size).toBe(4);
});

test("strict work is known by template and input, however the input is written", () => {
  const keyOf = (inputJson: string, part: Partial<TemplateBody> = {}) =>
    identity({ identity_strategy: "strict", ...part }, { inputJson }).idempotencyKey;
  const key = keyOf('{"a": {"x": 1, "y": [1, 2]}, "b": "ä"}');

  expect(key).toMatch(/^strict:[0-9a-f]{64}$/);
  expect(keyOf('{"b":"\\u00e4","a":{"y":[1.0,2],"x":1e0}}')).toBe(key);
  expect(keyOf('{"a": {"x": 1, "y": [2, 1]}, "b": "ä"}')).not.toBe(key);
  expect(keyOf('{"a": {"x": 1, "y": [1, 2]}, "b": "ä"}', { version: "1.0.1" })).not.toBe(key);
  expect(keyOf('{"id": 9007199254740993}')).not.toBe(keyOf('{"id": 9007199254740992}'));
  expect(keyOf('{"id": 9007199254740993}')).not.toBe(keyOf('{"id": "9007199254740993"}'));
});

test("strict work is the same whoever asks for it how urgently, and whatever key a library drew", () => {
  const strict = { identity_strategy: "strict" } as const;
  const first = identity(strict, { idempotencyKey: "drawn:1", priority: 5, createdBy: "me" });

  expect(first.fingerprint).toBe(first.idempotencyKey);
  expect(identity(strict, { idempotencyKey: "drawn:2" })).toEqual(first);
  expect(identity(strict)).toEqual(first);
  expect(identity(strict, { idempotencyKey: "mine" }).idempotencyKey).toBe("mine");
});

test("a template that goes by the caller's own key takes no other", () => {
  const strategy = { identity_strategy: "caller_provided" } as const;
  const refused = {
    code: "invalid",
    details: { field: "idempotency_key", reason: "IDEMPOTENCY_KEY_REQUIRED" },
    message:
      "idempotency_key is required: template ns/t@1.0.0 goes by the caller's own key, " +
      'which does not begin with "drawn:".',
  };

  expect(() => identity(strategy)).toThrow(expect.objectContaining(refused));
  expect(() => identity(strategy, { idempotencyKey: "drawn:1" })).toThrow(expect.objectContaining(refused));
  expect(identity(strategy, { idempotencyKey: "order-7" }).idempotencyKey).toBe("order-7");
});

test("a key lives as long as the template's window, and without one as long as the Task", () => {
  const window = { identity_window_seconds: 60 };

  expect(identity(window, { idempotencyKey: "k" }).keyFor).toBe(60_000);
  expect(identity({ ...window, identity_strategy: "strict" }).keyFor).toBe(60_000);
  expect(identity(window).keyFor).toBe(0);
});
