import type { TemplateBody, TemplateStep } from "#domain/template/template";
import { template } from "./workflow-bench.js";

const retry = { max_attempts: 3, backoff_base_ms: 100, max_backoff_ms: 400 };
const undo: TemplateStep = { name: "refund", handler: { callable: "echo" }, retry: { max_attempts: 5 } };
const charging = (name: string, dependencies: readonly string[] = [], rest: Partial<TemplateStep> = {}) => ({
  name,
  compensate: "refund",
  retry,
  ...rest,
  ...(dependencies.length > 0 && { dependencies }),
});
const child = (
  name: string,
  of: string,
  dependencies: readonly string[],
  rest: Partial<TemplateStep> = {},
) => ({
  name,
  type: "child_task" as const,
  child: { template: { name: of } },
  retry,
  ...rest,
  ...(dependencies.length > 0 && { dependencies }),
});

export const leaf = template([charging("l1"), charging("l2", ["l1"]), undo], { name: "leaf" });
export const inner = template(
  [charging("i1"), child("leaf", "leaf", ["i1"]), charging("i2", ["leaf"]), undo],
  {
    name: "inner",
  },
);
/** Nothing of it can be compensated, nor of what is below it, but its parent's Step can. */
export const opaque = template(
  [
    { name: "o1", retry },
    { ...child("agent", "", ["o1"]), child: { agent: "echo" } },
  ],
  {
    name: "opaque",
  },
);
/** What Tasks are made of: steps that charge, Tasks that are Steps of others, and one whose Step compensates it as a whole. */
export const shapes = [
  template(
    [
      charging("a"),
      charging("b", ["a"], { timeout_seconds: 4 }),
      charging("c", ["a"]),
      charging("d", ["b", "c"]),
      undo,
    ],
    { name: "flat" },
  ),
  template(
    [charging("p1"), child("sub", "inner", ["p1"]), charging("side", ["p1"]), charging("p2", ["sub"]), undo],
    {
      name: "nested",
    },
  ),
  template(
    [
      charging("q1"),
      child("whole", "opaque", ["q1"], { compensate: "refund" }),
      charging("q2", ["whole"]),
      undo,
    ],
    {
      name: "whole",
    },
  ),
] as const;
/** All of them by name. */
export const bodies = new Map<string, TemplateBody>(
  [leaf, inner, opaque, ...shapes].map((body) => [body.name, body]),
);
