import { expect, test } from "vitest";
import { register } from "#actors/task-request/register";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { asked } from "./kit/asked.js";
import { registered, template } from "./kit/plans.js";
import { caller } from "./kit/rows.js";
import { decide, type ViewParts } from "./kit/views.js";

const at = instant(5);
const body = template([{ name: "a", retry: { max_attempts: 3 } }]);
const row = registered(body);
const { registeredAt: _, ...wanted } = row;

function answered(parts: Partial<ViewParts> = {}, part: Partial<typeof wanted> = {}, who = caller): string[] {
  const message = { type: "register", caller: who, template: { ...wanted, ...part } } as const;
  return asked(decide(register, message, parts, at));
}

test("a template becomes known for good, from now on", () => {
  const message = { type: "register", caller, template: wanted } as const;
  const [kept, reply] = decide(register, message, {}, at);
  const now = { ...row, registeredAt: at };
  expect(kept).toEqual({ type: "keepTemplate", params: { template: now } });
  expect(reply).toEqual({ type: "reply", params: { answer: { type: "template", template: now } } });
});

test("the same template once more is the one that is known, however its text was written", () => {
  expect(answered({ template: row }, { source: "# the same\n" })).toEqual(["answer template"]);
});

test("another body under the same version is refused, saying in what it differs", () => {
  const other = template([
    { name: "a", retry: { max_attempts: 5 } },
    { name: "b", description: "one more" },
  ]);
  expect(answered({ template: row }, { body: other, digest: "d2" })).toEqual([
    "refused TEMPLATE_CHANGED: template default/flow@1.0.0 is registered with another body " +
      "(steps.a.retry.max_attempts: 3 → 5; steps.b: nothing → " +
      `${JSON.stringify(other.steps[1]).slice(0, 59)}…); ` +
      "give the new one a version of its own",
  ]);
});

test("a namespace has room for so many versions; one that is known takes none", () => {
  expect(answered({ templatesIn: limits.templatesPerNamespace - 1 }).at(-1)).toBe("answer template");
  expect(answered({ templatesIn: limits.templatesPerNamespace })).toEqual([
    `refused QUEUE_FULL: namespace "default" has ${limits.templatesPerNamespace} versions of templates, the most it may; nothing was stored, try again later`,
  ]);
  expect(answered({ templatesIn: limits.templatesPerNamespace, template: row })).toEqual(["answer template"]);
});

test("a caller registers only in its own namespaces", () => {
  const stranger = { principal: "ada", namespaces: ["own"], roles: [] };
  expect(answered({ template: row }, {}, stranger)).toEqual([
    'refused DENIED: namespace "default" is not yours to use; name one of your own, or none.',
  ]);
});
