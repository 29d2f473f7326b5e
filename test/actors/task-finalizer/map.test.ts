import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command } from "#actors/commands";
import { dataAt } from "#actors/data";
import { segmentShare } from "#actors/task/segments";
import { mapCollect } from "#actors/task-finalizer/map-collect";
import { mapOpen } from "#actors/task-finalizer/map-open";
import type { MapPlan } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import { instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { asked } from "../kit/asked.js";
import { memberOf, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide, type ViewParts, viewOf } from "../kit/views.js";

const at = instant(5);
const busy = task({ state: "enqueuing_steps", counts: { complete: 1, in_progress: 1 } });

/** A map that has begun and depends on a Step `fetch`. */
function map(part: Partial<MapPlan> = {}, row: Partial<StepRow> = {}): StepRow {
  const plan: MapPlan = { over: "input/urls", concurrency: 2, failure: "fail_fast", ...part };
  const spec = stepSpec({ type: "map", planned: "each", map: plan, maxAttempts: 3 });
  return step({ name: "each", state: "in_progress", dependsOn: ["fetch"], maxAttempts: 3, spec, ...row });
}

const key = { taskId: t1, stepName: "each" };

function open(of: StepRow, part: Partial<ViewParts> = {}): readonly Command[] {
  return decide(mapOpen, { type: "map.open", ...key }, { task: busy, step: of, ...part }, at);
}

function opened(of: StepRow, part: Partial<ViewParts> = {}): string[] {
  return asked(open(of, part));
}

test("a map makes a step for each item of its list, waits for them, and lets so many go", () => {
  expect(opened(map(), { input: '{"urls":["a",null,{"b":1}]}' })).toMatchInlineSnapshot(`
    [
      "task stepsAdded 3",
      "new each_000 after [] open 0",
      "new each_001 after [] open 0",
      "new each_002 after [] open 0",
      "keepInput each_000 {"item":"a","index":0}",
      "keepInput each_001 {"item":null,"index":1}",
      "keepInput each_002 {"item":{"b":1},"index":2}",
      "addDependencies each dependsOn [each_000 each_001 each_002] 3 members [each_000 each_001 each_002]",
      "task opened each 2",
      "each_000 enqueue",
      "each_001 enqueue",
    ]
  `);
});

test("its list may be a part of a result of a step before it", () => {
  const of = map({ over: "results/fetch/pages/0" });
  const outputs = new Map([["fetch", '{"pages":[["a"]]}']]);
  expect(opened(of, { outputs })).toContain('keepInput each_000 {"item":"a","index":0}');
});

test("a member has the agent, the tries and the clock of its map, and its own failure is the map's strategy", () => {
  const of = map({ failure: "isolate" }, { agentName: "fetch", maxAttempts: 7 });
  const commands = open(of, { input: '{"urls":[1]}' });
  const [made] = commands.flatMap((command) => (command.type === "createStep" ? [command.params.step] : []));
  expect(made).toMatchObject({
    name: "each_000",
    agentName: "fetch",
    maxAttempts: 7,
    dependants: ["each"],
    hasInput: true,
    spec: {
      type: "standard",
      planned: "each",
      member: { group: "each", index: 0, concurrency: 2, failure: "isolate" },
    },
  });
  expect(made?.spec).not.toHaveProperty("map");
});

test("names count in three digits, or as many as the longest needs", () => {
  const names = (count: number) => {
    const input = JSON.stringify({ urls: Array.from({ length: count }, () => 0) });
    const commands = open(map(), { task: task({ counts: {} }), input });
    return commands.flatMap((command) => (command.type === "createStep" ? [command.params.step.name] : []));
  };
  expect(names(12).at(-1)).toBe("each_011");
  expect(names(limits.taskSteps).at(-1)).toBe("each_999");
});

test("a map of nothing is complete at once, with nothing", () => {
  expect(opened(map(), { input: '{"urls":[]}' })).toEqual([
    "keepOutput each []",
    "each succeeded 2",
    "each complete 2",
  ]);
});

test.each([
  ['map.over "input/urls" should be a list; found nothing', "{}"],
  ['map.over "input/urls" should be a list; found {"0":"a"}', '{"urls":{"0":"a"}}'],
  ['map.over "input/urls" should be a list; found "a"', '{"urls":"a"}'],
  [`map.over "input/urls" should be a list; found "${"x".repeat(63)}`, `{"urls":"${"x".repeat(500)}"}`],
])("what is no list fails the map, saying what is there: %s", (message, input) => {
  expect(opened(map(), { input })).toEqual([`each failed ${message}`, `each fail ${message}`]);
});

const zeros = (count: number) => JSON.stringify({ urls: Array.from({ length: count }, () => 0) });

test("a list too long for one task is cut into segments, of which so many run at a time", () => {
  const made = opened(map(), { input: zeros(limits.taskSteps - 1) });
  expect(made.filter((line) => !line.startsWith("keepInput"))).toEqual([
    "task stepsAdded 2",
    "new each_000-498 after [] open 0",
    "new each_499-998 after [] open 0",
    "addDependencies each dependsOn [each_000-498 each_499-998] 2 members [each_000-498 each_499-998]",
    "task opened each 2",
    "tell child.start each_000-498",
    "tell child.start each_499-998",
  ]);
  expect(made).toContain(`keepInput each_000-498 [${Array.from({ length: 499 }, () => 0).join(",")}]`);
});

test("a task with few steps left has fewer, larger segments, and one with too few fails the map before any is made", () => {
  const of = map({ concurrency: 10 });
  const made = (items: number, there: number) =>
    opened(of, { input: zeros(items), task: task({ ...busy, counts: { complete: there } }) });
  expect(made(5_000, 990)[0]).toBe("task stepsAdded 10");
  expect(made(5_000, 994)[0]).toBe("task stepsAdded 6");
  const message =
    'map.over "input/urls" has 5000 items, which are 6 steps at least; with the 995 steps there are, 1000 are the most of one task';
  expect(made(5_000, 995)).toEqual([`each failed ${message}`, `each fail ${message}`]);
});

test("a list longer than any map may have fails the map", () => {
  const message = `map.over "input/urls" has ${limits.mapItems + 1} items, ${limits.mapItems} are the most of one map`;
  expect(opened(map(), { input: zeros(limits.mapItems + 1) })).toEqual([
    `each failed ${message}`,
    `each fail ${message}`,
  ]);
  expect(opened(map(), { input: zeros(limits.mapItems) })[0]).toBe("task stepsAdded 102");
});

test("the segments that run at a time have together the map's concurrency, or one less", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: limits.memberConcurrency }), (concurrency) => {
      const share = segmentShare(concurrency);
      const all = share.atOnce * share.concurrency;
      expect(all).toBeLessThanOrEqual(concurrency);
      expect(all).toBeGreaterThanOrEqual(concurrency - 1);
      expect(share.atOnce).toBeLessThanOrEqual(limits.mapSegments);
    }),
  );
  expect(segmentShare(10)).toEqual({ atOnce: 10, concurrency: 1 });
  expect(segmentShare(17)).toEqual({ atOnce: 16, concurrency: 1 });
  expect(segmentShare(1_000)).toEqual({ atOnce: 10, concurrency: 100 });
});

test("the map of a segment goes over its own input, and its members count on from its first item", () => {
  const segment = { first: 1_500, count: 2, digits: 4 };
  const of = map({}, { spec: stepSpec({ ...map().spec, segment }) });
  const made = opened(of, { stepInput: '["a",1.10]' });
  expect(made.filter((line) => line.startsWith("keepInput"))).toEqual([
    'keepInput each_1500 {"item":"a","index":1500}',
    'keepInput each_1501 {"item":1.10,"index":1501}',
  ]);
});

test("a map that has been spread, or has moved on, is not spread again", () => {
  const input = '{"urls":[1]}';
  expect(opened(map({}, { members: ["each_000"] }), { input })).toEqual([]);
  expect(opened(map({}, { state: "cancelled" }), { input })).toEqual([]);
});

test("the map's result is the list of its members' results, null for one that failed or has none", () => {
  const members = ["each_000", "each_001", "each_002"];
  const outputs = new Map([
    ["each_002", '{"b":1}'],
    ["each_000", '"a"'],
  ]);
  const found = { steps: members.map((name) => member(name)), outputs };
  const collected = (of: StepRow) =>
    asked(decide(mapCollect, { type: "map.collect", ...key }, { task: busy, step: of, ...found }, at));
  expect(collected(map({}, { members, dependants: ["end"] }))).toEqual([
    'keepOutput each ["a",null,{"b":1}]',
    "each succeeded 18",
    "each complete 2",
    "tell step.satisfied each",
  ]);
  expect(collected(map({}, { members, state: "cancelled" }))).toEqual([]);
});

function member(name: string, outputBytes = 0): StepRow {
  return step({ name, state: "complete", outputBytes, spec: stepSpec(memberOf("each")) });
}

test("results that are together too large for one fail the map, whatever attempts remain", () => {
  const members = ["each_000", "each_001"];
  const half = limits.resultBytes / 2;
  const collected = (second: number) => {
    const steps = [member("each_000", half), member("each_001", second)];
    return asked(
      decide(
        mapCollect,
        { type: "map.collect", ...key },
        { task: busy, step: map({}, { members }), steps },
        at,
      ),
    );
  };
  const message = `the results of the map's members are ${limits.resultBytes + 1} bytes together, at most ${limits.resultBytes} can be kept: let each return less`;
  expect(collected(half - 3).at(-1)).toBe("each complete 2");
  expect(collected(half - 2)).toEqual([`each failed ${message}`, `each fail ${message}`]);
});

test("a path leads through names and indexes; one that leads nowhere finds nothing", () => {
  const input = '{"a":[{"b":7},null],"constructor":1}';
  const outputs = new Map([["fetch", '{"pages":[1]}']]);
  const found = (path: string) => dataAt(path, t1, viewOf({ task: busy, input, outputs }));
  expect(found("input/a/0/b")).toBe("7");
  expect(found("input/a/1")).toBe("null");
  expect(found("input/constructor")).toBe("1");
  expect(found("results/fetch")).toBe('{"pages":[1]}');
  for (const path of [
    "input/a/2",
    "input/toString",
    "results/other",
    "results/fetch/pages/0/x",
    "elsewhere",
    "",
  ])
    expect(found(path), path).toBeUndefined();
});

test.each([
  ["a number that is more than a double can hold", "12345678901234567890"],
  ["a number beyond all doubles", "1E400"],
  ["a number with zeros at its end", "1.00"],
  ["text that begins with a NUL", String.raw`"\u000042"`],
  ["text of a NUL and no number", String.raw`"\u0000-"`],
  ["half of a surrogate pair", String.raw`"\ud800"`],
  ["an object, in the order it is written", '{"2":1, "1":{"__proto__":-0},"2":3}'],
])("%s reaches its member as it is written", (_, item) => {
  const commands = opened(map(), { input: `{"urls":[ ${item} , 1]}` });
  expect(commands).toContain(`keepInput each_000 {"item":${item},"index":0}`);
});

test("a map's members share its clock", () => {
  const spec = stepSpec({ ...map().spec, timeoutMs: millis(500) });
  const commands = open(map({}, { spec }), { input: '{"urls":[1]}' });
  expect(
    commands.flatMap((command) =>
      command.type === "createStep" ? [command.params.step.spec.timeoutMs] : [],
    ),
  ).toEqual([500]);
});

test("segments contribute the results of their own maps, and null for each item if theirs has none", () => {
  const childId = "child" as TaskId;
  const segmentOf = (name: string, count: number, row: Partial<StepRow> = {}) => {
    const spec = stepSpec({
      ...memberOf("each"),
      type: "child_task",
      segment: { first: 0, count, digits: 3 },
    });
    return step({ name, state: "complete", spec, ...row });
  };
  const members = ["each_000-001", "each_002-004", "each_005-005"];
  const own = step({ taskId: childId, name: "each", outputBytes: 7 });
  const child = { task: task({ id: childId }), steps: [own], outputs: new Map([["each", '["a",7]']]) };
  const steps = [
    segmentOf("each_000-001", 2, { childId }),
    segmentOf("each_002-004", 3, { state: "error", childId: "gone" as TaskId }),
    segmentOf("each_005-005", 1, { state: "error" }),
  ];
  const parts = { task: busy, step: map({}, { members }), steps, child };
  const collected = asked(decide(mapCollect, { type: "map.collect", ...key }, parts, at));
  expect(collected[0]).toBe('keepOutput each ["a",7,null,null,null,null]');
});
