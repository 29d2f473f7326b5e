import { describe, expect, test } from "vitest";
import { childDraft, childTemplate, type WantedChild } from "#actors/task/child";
import type { Plan } from "#domain/graph/plan";
import type { TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import { plan } from "./kit/plans.js";
import { spec, step, task } from "./kit/rows.js";
import { type ViewParts, viewOf } from "./kit/views.js";

const inner: Plan = plan([{ name: "x" }], { name: "inner" });
const parent: TaskRow = task();
const template = { namespace: "", name: "inner", version: "" };

function wanted(part: Partial<WantedChild> = {}): WantedChild {
  return { template: null, by: "template", input: () => ({ text: "{}" }), spec: () => ({}), ...part };
}

/** What the child is, or why there is none. */
function made(part: Partial<WantedChild>, parts: Partial<ViewParts> = {}, of: TaskRow = parent) {
  const draft = childDraft(of, step({ name: "sub" }), wanted(part), viewOf(parts));
  return typeof draft === "string" ? draft : draft.spec;
}

describe.each(["template", "agent"] as const)("a child that is asked for by the %s", (by) => {
  test.each<[string, Partial<WantedChild>, Partial<ViewParts>, TaskRow?]>([
    [
      `a child is of its parent's namespace "default", and the template of "bob"`,
      { template: { ...template, namespace: "bob" } },
      { plan: inner },
    ],
    [
      `tasks stand ${limits.taskDepth} deep within one another, which is the most`,
      {},
      {},
      task({ spec: spec({ depth: limits.taskDepth }) }),
    ],
    [
      'namespace "default" has as many waiting tasks as it may',
      {},
      { waitingIn: { default: limits.waitingPerNamespace } },
    ],
    ["there are as many waiting tasks as there may be", {}, { waiting: limits.waitingTotal }],
    ['there is no template default/inner@ that a task of namespace "default" may name', { template }, {}],
    ["it leads to nothing", { input: () => ({ problem: "it leads to nothing" }) }, {}],
    [
      "the input of a template's task must be a JSON object",
      { template, input: () => ({ text: "[1]" }) },
      { plan: inner },
    ],
    [
      "the child's input does not fit input_schema: /a is missing",
      { template },
      { plan: inner, schemaProblem: { type: "misfit", text: "/a is missing" } },
    ],
  ])("cannot be: %s", (problem, part, parts, of) => {
    expect(made({ by, ...part }, parts, of)).toBe(problem);
  });

  test("belongs to the Step, a level deeper, and has the rest of who asks", () => {
    const own = { agentName: "echo", maxAttempts: 2, depth: 7, parent: null };
    expect(made({ by, spec: () => own })).toMatchObject({
      agentName: "echo",
      maxAttempts: 2,
      depth: parent.spec.depth + 1,
      parent: { taskId: parent.id, stepName: "sub" },
      template: null,
      principal: parent.spec.principal,
    });
    expect(made({ by, template }, { plan: inner })).toMatchObject({ template: inner.template });
  });
});

test("what an operator lets wait in a namespace bounds the children that agents ask for, and no step of a template", () => {
  const full = { waitingIn: { default: 5 }, waitingLimit: 5 };
  expect(made({ by: "agent" }, full)).toBe(
    'namespace "default" has 5 waiting tasks, the most that waiting-tasks lets it have: begin fewer at a time',
  );
  expect(made({ by: "template" }, full)).toMatchObject({ depth: 1 });
  expect(made({ by: "agent" }, { ...full, waitingIn: { default: 4 } })).toMatchObject({ depth: 1 });
});

test("a template is looked up in the parent's namespace, in the version that is known by now", () => {
  expect(childTemplate(parent, { template })).toEqual({ namespace: "default", name: "inner", version: "" });
  expect(childTemplate(parent, { template, version: "2.0.0" })).toMatchObject({ version: "2.0.0" });
  expect(childTemplate(parent, { template: { ...template, namespace: "bob" } })).toBeNull();
  expect(childTemplate(parent, { template: null })).toBeNull();
});
