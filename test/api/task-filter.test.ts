import { expect, test } from "vitest";
import { z } from "zod";
import { taskFilterFields, taskFilterOf } from "#api/tasks/task-filter";
import { THE_PLANE } from "#domain/pause/pause";
import { NO_PAUSES, PauseSet } from "#domain/pause/pause-set";
import { instant, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";

const asked = (part: object) =>
  z.object(taskFilterFields).parse({
    ...{ states: [], agentFilter: "", labels: {}, idPrefix: "", createdAfterMs: 0n, createdBeforeMs: 0n },
    ...{ parentTaskId: "", correlationId: "", createdBy: "", waiting: "" },
    ...part,
  });

test("a request without a filter means all Tasks of the namespaces", () => {
  expect(taskFilterOf(asked({}), "*", NO_PAUSES)).toEqual({ namespaces: "*" });
  expect(taskFilterOf(asked({ waiting: "any" }), ["a"], NO_PAUSES)).toEqual({
    namespaces: ["a"],
    waiting: "*",
  });
});

test("children are not looked for among Tasks that are older than their parent", () => {
  const at = 1_700_000_000_123;
  const parentTaskId = "018bcfe5-687b-7c3d-8000-123456789abc";
  const since = at - limits.childIdSkew;
  expect(taskFilterOf(asked({ parentTaskId }), "*", NO_PAUSES)).toEqual({
    namespaces: "*",
    parentTaskId,
    createdAfter: since,
  });
  const after = (ms: number) =>
    taskFilterOf(asked({ parentTaskId, createdAfterMs: BigInt(ms) }), "*", NO_PAUSES).createdAfter;
  expect([after(since - 1), after(at)]).toEqual([since, at]);
  expect(taskFilterOf(asked({ parentTaskId: "t1" }), "*", NO_PAUSES)).toEqual({
    namespaces: "*",
    parentTaskId: "t1",
  });
});

test("what is paused counts only where it is asked what Tasks wait for", () => {
  const pauses = new PauseSet([{ scope: THE_PLANE, reason: "", until: NEVER, by: "ops", at: instant(1) }]);
  expect(taskFilterOf(asked({}), "*", pauses)).toEqual({ namespaces: "*" });
  expect(taskFilterOf(asked({ waiting: "paused" }), "*", pauses)).toEqual({
    namespaces: "*",
    waiting: "PAUSED",
    pauses,
  });
});
