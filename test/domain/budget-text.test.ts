import { expect, test } from "vitest";
import { defaultBudget, NO_BUDGET } from "#domain/task/budget";
import { readBudget } from "#domain/task/budget-text";

test.each([
  ["tokens=1M,usd=5", { tokens: 1_000_000, usdMicros: 5_000_000 }],
  ["tokens:2.5k, tool-calls:200", { tokens: 2_500, toolCalls: 200 }],
  ["usd=0.000001,wall=2h", { usdMicros: 1, wallMs: 7_200_000 }],
  ["tokens=1G", { tokens: 1_000_000_000 }],
])("%s is read", (text, budget) => {
  expect(readBudget(text)).toEqual({ ...NO_BUDGET, ...budget });
});

test.each([
  ["", 'has "": write bounds as'],
  ["tokens", 'has "tokens": write bounds as'],
  ["toString=1", 'has "toString=1": write bounds as'],
  ["tokens=0", 'has tokens "0": write a number above 0'],
  ["tokens=1T", 'has tokens "1T": write a number'],
  ["usd=-1", 'has usd "-1": write a number'],
  ["usd=0.0000001", 'has usd "0.0000001": write a number'],
  ["wall=5", 'has wall "5": write a number and ms, s, m, h or d'],
  ["tokens=1,tokens=2", "has tokens twice"],
  ["tokens=9999999G", 'has tokens "9999999G": write a number'],
])("%s is refused, with the way out", (text, problem) => {
  expect(readBudget(text)).toContain(problem);
});

test("of the defaults the narrowest counts", () => {
  const of = (tokens: number) => ({ ...NO_BUDGET, tokens });
  const budgets = new Map([
    ["*", of(1)],
    ["*/writer", of(2)],
    ["lab", of(3)],
    ["lab/writer", of(4)],
  ]);
  const tokens = (namespace: string, agent: string) => defaultBudget(budgets, namespace, agent)?.tokens;
  expect([tokens("lab", "writer"), tokens("lab", "other"), tokens("x", "writer"), tokens("x", "y")]).toEqual([
    4, 3, 2, 1,
  ]);
  expect(defaultBudget(new Map(), "lab", "writer")).toBeUndefined();
});
