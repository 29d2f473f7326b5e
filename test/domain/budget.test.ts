import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import {
  amount,
  budgetOwners,
  followingBudget,
  heldSince,
  heldTimeDue,
  NO_BUDGET,
  nearBounds,
  reachedBounds,
} from "#domain/task/budget";
import { followingTaskSpec } from "#domain/task/spec";
import { instant } from "#domain/time/time";
import { spec, taskId } from "#testing/rows";

const budget = { ...NO_BUDGET, tokens: 10 };
const [above, id, other] = [taskId(1), taskId(2), taskId(3)];

test("a task below shares the budgets above, the nearest first; done anew it has its own again", () => {
  const own = spec({ budget, budgetsAbove: [above] });
  expect(budgetOwners({ id, spec: own })).toEqual([id, above]);
  const child = followingTaskSpec(own, { parent: { taskId: id, stepName: "sub" } });
  expect([child.budget, child.budgetsAbove]).toEqual([undefined, [id, above]]);
  const below = followingTaskSpec(child, { parent: { taskId: other, stepName: "sub" } });
  expect(budgetOwners({ id: taskId(9), spec: below })).toEqual([id, above]);
  const again = followingTaskSpec(spec({ budget }), { retryOf: id });
  expect([again.budget, again.budgetsAbove]).toEqual([budget, undefined]);
});

test("what compensates is bounded by none, whatever bounded what it undoes, and so is what is below it", () => {
  const own = spec({ budget, budgetsAbove: [above] });
  const undoes = followingTaskSpec(own, { compensates: id, parent: { taskId: above, stepName: "sub" } });
  expect(budgetOwners({ id: other, spec: undoes })).toEqual([]);
  const below = followingTaskSpec(undoes, { parent: { taskId: other, stepName: "sub" } });
  expect(budgetOwners({ id: taskId(9), spec: below })).toEqual([]);
});

test("without a budget a spec has no field of it", () => {
  const parent = { taskId: "t" as TaskId, stepName: "sub" };
  expect(Object.keys(followingBudget(spec(), { parent }))).toEqual([]);
  expect(Object.keys(spec()).filter((name) => name.startsWith("budget"))).toEqual([]);
});

test("a bound is near at four fifths, and reached at all of it; what is not bounded is neither", () => {
  const bounds = { ...NO_BUDGET, tokens: 10, toolCalls: 100 };
  const used = { tokens: 8, usdMicros: 5, toolCalls: 79, wallMs: 9 };
  expect([nearBounds(bounds, used), reachedBounds(bounds, used)]).toEqual([["tokens"], []]);
  const all = { ...used, tokens: 10, toolCalls: 101 };
  expect(reachedBounds(bounds, all)).toEqual(["tokens", "toolCalls"]);
});

test("held time grows with each run that is held, and is due at its soft limit, then at its end, then no more", () => {
  const bounds = { ...NO_BUDGET, wallMs: 1_000 };
  const one = heldSince(undefined, 1, instant(100));
  expect(heldTimeDue(bounds, one)).toBe(900);
  const two = heldSince(one, 1, instant(500));
  expect([two.ms, two.held, heldTimeDue(bounds, two)]).toEqual([400, 2, 700]);
  const soft = heldSince(two, 0, instant(700));
  expect([soft.ms, heldTimeDue(bounds, soft)]).toEqual([800, 800]);
  const none = heldSince(soft, -2, instant(800));
  expect([none.ms, none.held, heldTimeDue(bounds, none)]).toEqual([1_000, 0, undefined]);
  expect(heldTimeDue(bounds, heldSince(none, 1, instant(900)))).toBeUndefined();
});

test("amounts are told as people write them", () => {
  expect(amount("usdMicros", 2_500_000)).toBe("$2.50");
  expect(amount("usdMicros", 1)).toBe("$0.000001");
  expect(amount("tokens", 7)).toBe("7 tokens");
});
