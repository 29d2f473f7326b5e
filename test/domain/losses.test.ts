import { expect, test } from "vitest";
import { lossesAsked, maxLossesOf } from "#domain/task/losses";
import { newStep } from "#domain/task/step";
import { stepSpec, taskId } from "#testing/rows";

/** A row of a release that kept neither number. */
function oldRow(planned: string, maxAttempts: number) {
  const { maxLosses: _, ...spec } = stepSpec({ planned, maxAttempts });
  const row = newStep({ taskId: taskId(1), name: planned, agentName: "a", spec });
  return { ...row, maxLosses: null };
}

test("a step from before there were losses may lose three runs, unless its template gave it one try", () => {
  expect(maxLossesOf(oldRow("main", 1))).toBe(3);
  expect(maxLossesOf(oldRow("charge", 2))).toBe(3);
  expect(maxLossesOf(oldRow("charge", 1))).toBe(0);
});

test("a new member or compensation of such a step follows the same rule", () => {
  expect(lossesAsked(oldRow("charge", 1).spec, undefined)).toBe(0);
  expect(lossesAsked(oldRow("charge", 1).spec, 2)).toBe(2);
});
