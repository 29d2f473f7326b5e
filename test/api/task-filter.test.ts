import { expect, test } from "vitest";
import { z } from "zod";
import { taskFilterFields, taskFilterOf } from "#api/tasks/task-filter";
import { limits } from "#limits/index";

const asked = (part: object) =>
  z.object(taskFilterFields).parse({
    ...{ states: [], agentFilter: "", labels: {}, idPrefix: "", createdAfterMs: 0n, createdBeforeMs: 0n },
    ...{ parentTaskId: "", correlationId: "", createdBy: "", waiting: "" },
    ...part,
  });

test("a request without a filter means all Tasks of the namespaces", () => {
  expect(taskFilterOf(asked({}), "*")).toEqual({ namespaces: "*" });
  expect(taskFilterOf(asked({ waiting: "any" }), ["a"])).toEqual({ namespaces: ["a"], waiting: "*" });
});

test("children are not looked for among Tasks that are older than their parent", () => {
  const at = 1_700_000_000_123;
  const parentTaskId = "018bcfe5-687b-7c3d-8000-123456789abc";
  const since = at - limits.childIdSkew;
  expect(taskFilterOf(asked({ parentTaskId }), "*")).toEqual({
    namespaces: "*",
    parentTaskId,
    createdAfter: since,
  });
  const after = (ms: number) =>
    taskFilterOf(asked({ parentTaskId, createdAfterMs: BigInt(ms) }), "*").createdAfter;
  expect([after(since - 1), after(at)]).toEqual([since, at]);
  expect(taskFilterOf(asked({ parentTaskId: "t1" }), "*")).toEqual({ namespaces: "*", parentTaskId: "t1" });
});
