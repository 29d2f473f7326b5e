import { describe, expect, test } from "vitest";
import { choiceProblem, omissionProblem } from "#domain/graph/choice";
import { chosenSteps, type Expansion, firstSteps, sinksOf } from "#domain/graph/graph";
import { type Plan, planOf } from "#domain/graph/plan";
import { branchesOf } from "#domain/graph/reach";
import type { TemplateStep } from "#domain/template/template";
import { Garden } from "./garden.js";

function plan(...steps: readonly TemplateStep[]): Plan {
  return planOf({ name: "flow", namespace_name: "default", version: "1.0.0", steps }, "development");
}

/** What grows, as `step < what it waits for`; first what is new, then what has more to wait for. */
function grown({ newSteps, extraDependencies }: Pick<Expansion, "newSteps"> & Partial<Expansion>): string[] {
  return [
    ...newSteps.map(({ name, dependsOn }) => [name, "<", ...dependsOn].join(" ")),
    ...[...(extraDependencies ?? [])].map(([name, more]) => [name, "+<", ...more].join(" ")),
  ];
}

describe("what a task begins with", () => {
  test("every step, after all it depends on, and none twice", () => {
    const diamond = plan(
      { name: "end", dependencies: ["left", "right"] },
      { name: "left", dependencies: ["start"] },
      { name: "right", dependencies: ["start"] },
      { name: "start" },
    );
    expect(grown({ newSteps: firstSteps(diamond) })).toEqual([
      "start <",
      "left < start",
      "right < start",
      "end < left right",
    ]);
  });

  test("not the branches of a decision, nor what follows from them, nor what joins only them", () => {
    const flow = plan(
      { name: "check" },
      { name: "route", type: "decision", dependencies: ["check"] },
      { name: "left", dependencies: ["route"] },
      { name: "after", dependencies: ["left"] },
      { name: "end", type: "deferred_convergence", dependencies: ["left"] },
    );
    expect(grown({ newSteps: firstSteps(flow) })).toEqual(["check <", "route < check"]);
  });

  test("not the workers of a batch, nor what depends on all of them", () => {
    const flow = plan(
      { name: "split", type: "batchable", batch_config: { worker_template: "rows" } },
      { name: "rows", type: "batch_worker", dependencies: ["split"] },
      { name: "sum", dependencies: ["rows"] },
    );
    expect(grown({ newSteps: firstSteps(flow) })).toEqual(["split <"]);
  });

  test("a convergence of which one dependency is there: it waits for that, and for whoever may bring the others", () => {
    const flow = plan(
      { name: "side" },
      { name: "route", type: "decision" },
      { name: "split", type: "batchable", batch_config: { worker_template: "rows" } },
      { name: "rows", type: "batch_worker" },
      { name: "left", dependencies: ["route"] },
      { name: "unrelated", type: "decision" },
      { name: "end", type: "deferred_convergence", dependencies: ["side", "left", "rows"] },
    );
    expect(grown({ newSteps: firstSteps(flow) }).at(-1)).toBe("end < side route split");
  });
});

describe("what a decision adds", () => {
  const flow = plan(
    { name: "route", type: "decision" },
    { name: "left", dependencies: ["route"] },
    { name: "right", dependencies: ["route"] },
    { name: "deeper", dependencies: ["right"] },
    { name: "end", type: "deferred_convergence", dependencies: ["left", "right"] },
    { name: "last", dependencies: ["end"] },
  );

  test("what it chose, then what can be there because of it", () => {
    expect(grown(new Garden(flow).decide("route", "right"))).toEqual([
      "right < route",
      "deeper < right",
      "end < right",
      "last < end",
    ]);
    expect(grown(new Garden(flow).decide("route", "left", "right"))).toEqual([
      "left < route",
      "right < route",
      "deeper < right",
      "end < left right",
      "last < end",
    ]);
  });

  test("nothing, if it chose nothing", () => {
    expect(grown(new Garden(flow).decide("route"))).toEqual([]);
  });

  test("only branches are choices: a step behind one would come without it", () => {
    expect(choiceProblem(flow, "route", ["left", "right"])).toBeUndefined();
    expect(choiceProblem(flow, "route", ["left", "deeper"])).toBe(
      'step "deeper" does not directly follow from this decision; its branches are "left", "right"',
    );
    for (const other of ["up", 7, null, ["left"], "", "__proto__"]) {
      const wrong = JSON.stringify(other);
      expect(choiceProblem(flow, "route", [other])).toContain(`step ${wrong} is not in the template`);
    }
    expect(choiceProblem(flow, "last", ["right"])).toContain("it has no branches");
  });

  test("so many branches are named, and the others counted", () => {
    const branches = Array.from({ length: 22 }, (_, i) => ({ name: `b${i}`, dependencies: ["route"] }));
    const wide = plan({ name: "route", type: "decision" }, ...branches);
    expect(choiceProblem(wide, "route", ["route"])).toMatch(/"b18", "b19", and 2 more$/);
  });

  test("a branch that depends on another one is not chosen without it", () => {
    const paying = plan(
      { name: "route", type: "decision" },
      { name: "approve", dependencies: ["route"] },
      { name: "pay", dependencies: ["route", "approve"] },
      { name: "audit", dependencies: ["approve"] },
      { name: "book", dependencies: ["route", "audit"] },
      { name: "note", type: "deferred_convergence", dependencies: ["route", "approve"] },
    );
    const problem = (...chosen: string[]) => {
      const there = new Garden(paying).steps;
      return omissionProblem(paying, there, "route", chosenSteps(paying, there, chosen));
    };
    expect(problem("pay")).toBe('step "pay" also depends on "approve", which is not chosen with it');
    expect(problem("book")).toBe('step "book" also depends on "audit", which is not chosen with it');
    expect([problem("pay", "approve"), problem("book", "approve"), problem("note")]).toEqual(
      Array(3).fill(undefined),
    );
  });

  test("what an inner decision may still bring is waited for, and is its own choice", () => {
    const inner = plan(
      { name: "route", type: "decision" },
      { name: "check", dependencies: ["route"] },
      { name: "risk", type: "decision", dependencies: ["check"] },
      { name: "approve", dependencies: ["risk"] },
      { name: "pay", dependencies: ["route", "approve"] },
    );
    const garden = new Garden(inner);
    const chosen = chosenSteps(inner, garden.steps, ["check", "pay"]);
    expect(omissionProblem(inner, garden.steps, "route", chosen)).toBeUndefined();
    expect(grown(garden.decide("route", "check", "pay"))).toEqual([
      "check < route",
      "risk < check",
      "pay < route risk",
    ]);
    expect(grown(garden.decide("risk", "approve"))).toEqual(["approve < risk", "pay +< approve"]);
  });

  test("branches of a branch that decides itself are for that one to choose", () => {
    const nested = plan(
      { name: "first", type: "decision" },
      { name: "second", type: "decision", dependencies: ["first"] },
      { name: "leaf", dependencies: ["second"] },
      { name: "side" },
      { name: "end", type: "deferred_convergence", dependencies: ["leaf", "side"] },
    );
    const garden = new Garden(nested);
    expect(garden.rows.get("end")?.dependsOn).toEqual(["side", "first"]);
    expect(grown(garden.decide("first", "second"))).toEqual(["second < first", "end +< second"]);
    expect(grown(garden.decide("second", "leaf"))).toEqual(["leaf < second", "end +< leaf"]);
  });

  test("its branches follow it directly, and no batch's worker is one", () => {
    const through = plan(
      { name: "before" },
      { name: "route", type: "decision", dependencies: ["before"] },
      {
        name: "split",
        type: "batchable",
        dependencies: ["route"],
        batch_config: { worker_template: "rows" },
      },
      { name: "rows", type: "batch_worker", dependencies: ["split", "route"] },
      { name: "sum", dependencies: ["rows"] },
      { name: "other", type: "deferred_convergence", dependencies: ["before", "route"] },
    );
    expect(branchesOf(through, "route")).toEqual(["split", "other"]);
  });
});

describe("two decisions", () => {
  const flow = plan(
    { name: "one", type: "decision" },
    { name: "two", type: "decision" },
    { name: "left", dependencies: ["one"] },
    { name: "right", dependencies: ["two"] },
    { name: "both", dependencies: ["one", "two"] },
    { name: "end", type: "deferred_convergence", dependencies: ["left", "right", "both"] },
  );
  const shape = (order: readonly string[], choices: Readonly<Record<string, string[]>>) => {
    const garden = new Garden(flow);
    for (const name of order) garden.decide(name, ...(choices[name] ?? []));
    const rows = garden.steps.map(({ name, dependsOn }) => `${name} < ${[...dependsOn].sort().join(" ")}`);
    return {
      rows: rows.sort(),
      sinks: sinksOf(garden.steps)
        .map(({ name }) => name)
        .sort(),
    };
  };

  test.each([
    [["left"], []],
    [["left"], ["right"]],
    [["both"], []],
    [["both"], ["both", "right"]],
    [[], []],
  ])("whichever ends first, the graph is the same: %j and %j", (one, two) => {
    const first = shape(["one", "two"], { one, two });
    expect(shape(["two", "one"], { one, two })).toEqual(first);
    if (one.length > 0) expect(first.sinks).toEqual(["end"]);
  });
});

describe("what a batch adds", () => {
  const flow = plan(
    { name: "load" },
    { name: "split", type: "batchable", batch_config: { worker_template: "rows" } },
    { name: "rows", type: "batch_worker", dependencies: ["split", "load"] },
    { name: "sum", type: "deferred_convergence", dependencies: ["rows"] },
    { name: "early", type: "deferred_convergence", dependencies: ["rows", "load"] },
  );

  test("its workers, which wait for what else their template names, and what joins them", () => {
    const garden = new Garden(flow);
    expect(garden.rows.get("early")?.dependsOn).toEqual(["load", "split"]);
    expect(grown(garden.batch("split", "0", "1"))).toEqual([
      "rows_0 < split load",
      "rows_1 < split load",
      "sum < rows_0 rows_1",
      "early +< rows_0 rows_1",
    ]);
  });

  test("a convergence that has begun waits for nothing more", () => {
    const garden = new Garden(flow);
    garden.move("early", "enqueued");
    expect(grown(garden.batch("split", "0"))).toEqual(["rows_0 < split load", "sum < rows_0"]);
  });
});

test("the results of a task are those of the steps that nothing follows", () => {
  const step = (name: string, ...dependsOn: string[]) => ({ name, dependsOn });
  const steps = [step("a"), step("b", "a"), step("c", "a"), step("d")];
  expect(sinksOf(steps).map(({ name }) => name)).toEqual(["b", "c", "d"]);
});
