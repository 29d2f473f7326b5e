/** Machines are read from definitions of anybody's: ours, XState's short forms, and what is no machine. */
import { expect, test } from "vitest";
import { definitions } from "#actors/definitions";
import { machines } from "#actors/machines";
import { layoutChart } from "#inspect/view/layout";
import { activeStates, readMachine, valueText } from "#inspect/view/machine";
import { transitionsTaken } from "#inspect/view/taken";

const measure = (text: string, size: number) => text.length * size * 0.6;
const read = (definition: object) => {
  const machine = readMachine(JSON.stringify(definition));
  if (!machine) throw new Error("no machine");
  return machine;
};
const frame = { width: 800, height: 400 };

test.each(Object.keys(machines))(
  "%s: every state has a box that overlaps no other, and every arrow an end",
  (id) => {
    const machine = read(definitions[id as keyof typeof definitions]);
    const chart = layoutChart(machine, measure, frame);

    const leaves = [...machine.states.values()].filter(({ states }) => states.length === 0);
    const boxes = chart.boxes.filter(({ state }) => state.states.length === 0);
    expect(boxes.map(({ state }) => state.id).sort()).toEqual(leaves.map((state) => state.id).sort());
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        const isApart =
          a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(isApart, `${a.state.key} and ${b.state.key}`).toBe(true);
      }
    }
    for (const { points, label } of chart.arrows) {
      expect(points.length).toBeGreaterThan(1);
      expect(label.x).toBeLessThanOrEqual(chart.width);
    }
    // Nothing is lost: what is not drawn is written.
    const written = chart.exits.flatMap(({ events }) => events.split(", "));
    const drawn = chart.arrows.flatMap(({ arrow }) => arrow.transitions.map(({ event }) => event));
    for (const { event, from, to } of machine.transitions) {
      if (from !== to) expect([...written, ...drawn]).toContain(event);
    }
  },
);

test("the ways out that all states share are written below, not drawn", () => {
  const chart = layoutChart(read(definitions.task), measure, frame);

  expect(chart.exits.map(({ events, to, from }) => [events, to, from.length])).toEqual([
    ["cancel", "task.cancelled", 7],
    ["timeout, abort", "task.error", 7],
  ]);
});

test("XState's short forms: targets as text, siblings, children, ids of their own, arrays, nested and parallel states", () => {
  const machine = read({
    id: "m",
    initial: "a",
    on: { RESET: ".a" },
    states: {
      a: {
        on: {
          GO: "b",
          STAY: { actions: "log" },
          LIST: [{ target: "b", guard: { type: "ready", params: {} } }, "c"],
        },
      },
      b: { id: "bee", initial: "x", states: { x: { always: "y" }, y: { after: { 1000: "#em" } } } },
      c: { type: "parallel", states: { p: { initial: "q", states: { q: {} } }, r: {} } },
      d: { id: "em", type: "final" },
    },
  });

  expect(machine.transitions.map(({ from, to, event, guard }) => [from, event, guard, to])).toEqual([
    ["m", "RESET", "", "m.a"],
    ["m.a", "GO", "", "m.b"],
    ["m.a", "LIST", "ready", "m.b"],
    ["m.a", "LIST", "", "m.c"],
    ["m.b.x", "", "", "m.b.y"],
    ["m.b.y", "1000", "", "m.d"],
  ]);
  expect(machine.states.get("m.a")?.inner).toEqual(["STAY"]);
  expect([...activeStates(machine, { c: { p: "q", r: {} } })]).toEqual([
    "m",
    "m.c",
    "m.c.p",
    "m.c.p.q",
    "m.c.r",
  ]);
  expect(valueText({ c: { p: "q", r: {} } })).toBe("c: p: q, r");
  expect(layoutChart(machine, measure, frame).boxes).toHaveLength(9);
});

test("what is no machine has no chart, and a machine without end is cut", () => {
  for (const text of [undefined, "", "no", "null", "[]", "7", '{"id":"x"}', '{"states":[]}']) {
    expect(readMachine(text)).toBeUndefined();
  }
  const states = Object.fromEntries(
    Array.from({ length: 999 }, (_, i) => [`s${i}`, { on: { GO: "nowhere" } }]),
  );
  const machine = read({ id: "wide", states });
  expect(machine.isCut).toBe(true);
  expect(machine.states.size).toBeLessThan(210);
  expect(machine.transitions).toEqual([]);
});

test("hostile definitions are names and nothing else", () => {
  const nested = (depth: number): object =>
    depth === 0 ? {} : { states: { __proto__x: nested(depth - 1) } };
  expect(readMachine(JSON.stringify({ id: "deep", ...nested(400) }))?.isCut).toBe(true);
  const odd = read({
    id: {},
    initial: 3,
    states: {
      "<img src=x onerror=alert(1)>": { on: { constructor: { target: ["#a.b", 4] } }, always: null },
      "": {},
    },
  });
  expect([...odd.states.keys()]).toEqual(["machine.<img src=x onerror=alert(1)>", "machine.", "machine"]);
  expect(() => layoutChart(odd, measure, frame)).not.toThrow();
});

test("the transition taken is found over the states that are passed through", () => {
  const task = read(definitions.task);
  const way = (before: string, message: string, after: string) =>
    transitionsTaken(task, before, message, after).map(({ from, to }) => `${from} ${to}`);

  expect(way("pending", "start", "initializing")).toEqual(["task.pending task.initializing"]);
  expect(way("steps_in_process", "stepChanged", "waiting_for_retry")).toEqual([
    "task.steps_in_process task.evaluating_results",
    "task.evaluating_results task.waiting_for_retry",
  ]);
  expect(way("steps_in_process", "stepsAdded", "steps_in_process")).toEqual([]);
  expect(way("complete", "start", "pending")).toEqual([]);
  const run = read(definitions.run);
  const taken = transitionsTaken(run, { status: "RUNNING", hold: "held" }, "completed", {
    status: "COMPLETED",
    hold: "released",
  });
  expect(taken.map(({ to }) => to)).toEqual(["run.status.COMPLETED", "run.hold.released"]);
});
