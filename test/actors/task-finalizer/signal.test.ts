import { expect, test } from "vitest";
import { signal } from "#actors/task-finalizer/signal";
import { signalTaken } from "#actors/task-finalizer/signal-taken";
import type { SignalPlan } from "#domain/graph/plan";
import { type StepRow, stepStates } from "#domain/task/step";
import { isTerminal, taskStates } from "#domain/task/task";
import { instant, millis } from "#domain/time/time";
import { asked } from "../kit/asked.js";
import { caller, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide, type ViewParts } from "../kit/views.js";

const at = instant(5);
const busy = task({ state: "waiting_for_dependencies", counts: { in_progress: 1 } });

/** A Step `gate` that waits for the signal `go`. */
function gate(part: Partial<StepRow> = {}, plan: Partial<SignalPlan> = {}): StepRow {
  const own: SignalPlan = { name: "go", timeoutMs: millis(0), otherwise: undefined, ...plan };
  const spec = stepSpec({ type: "signal", planned: "gate", signal: own });
  return step({ name: "gate", agentName: "", state: "in_progress", dependants: ["end"], spec, ...part });
}

function signalled(steps: readonly StepRow[], part: Partial<ViewParts> = {}, who = caller): string[] {
  const said = { signal: "go", payload: '{"ok":true}', reason: "", requestId: "" } as const;
  const message = { type: "signal", caller: who, taskId: t1, ...said } as const;
  return asked(decide(signal, message, { task: busy, steps, ...part }, at));
}

test("a step that waits takes the payload for its result, and waits no longer", () => {
  expect(signalled([gate()])).toEqual([
    "gate signalled 11",
    "clearDeadline gate signal",
    'keepOutput gate {"ok":true}',
    "gate succeeded 11",
    "gate complete 1",
    "tell step.satisfied gate",
    "noted gate signal by local",
    "answer t1",
  ]);
});

test("a payload that comes before the step waits is kept until it does", () => {
  const early = signalled([gate({ state: "pending", unsatisfied: 1 })]);
  expect(early).toEqual([
    'keepOutput gate {"ok":true}',
    "gate signalled 11",
    "noted gate signal by local",
    "answer t1",
  ]);

  const taken = (part: Partial<StepRow>) => {
    const step = gate({ signalled: true, outputBytes: 11, ...part });
    const message = { type: "signal.taken", taskId: t1, stepName: "gate" } as const;
    return asked(decide(signalTaken, message, { task: busy, step }, at));
  };
  expect(taken({})).toEqual(["gate succeeded 11", "gate complete 1", "tell step.satisfied gate"]);
  expect(taken({ state: "cancelled" })).toEqual([]);
  expect(taken({ signalled: false })).toEqual([]);
});

test("the same payload once more is answered as the first was, even when the step or the task is done", () => {
  const outputs = new Map([["gate", '{"ok":true}']]);
  for (const state of ["pending", "complete"] as const) {
    expect(signalled([gate({ state, signalled: true })], { outputs })).toEqual(["answer t1"]);
  }
  const done = task({ state: "complete" });
  expect(signalled([gate({ state: "complete", signalled: true })], { outputs, task: done })).toEqual([
    "answer t1",
  ]);
});

test("another payload is refused, naming what the task still waits for", () => {
  const outputs = new Map([["gate", '{"ok":false}']]);
  const had = gate({ state: "complete", signalled: true });
  const other = { ...gate({ name: "later" }, { name: "stop" }), state: "pending" } as const;
  expect(signalled([had], { outputs })).toEqual([
    'refused SIGNAL_TAKEN: task t1 has had its signal "go"; it waits for none',
  ]);
  expect(signalled([had, other], { outputs })).toEqual([
    'refused SIGNAL_TAKEN: task t1 has had its signal "go"; it waits for "stop"',
  ]);
});

test("a signal that no step of the template waits for is kept for agents, and refused where there is none", () => {
  expect(signalled([step()])).toEqual([
    'keepRecord 0 {"ok":true}',
    'noteSignals {"count":1,"kept":[{"name":"go","seq":0}],"requests":[]}',
    "noted task signal by local",
    "answer t1",
  ]);
  expect(signalled([step({ agentName: "" })])).toEqual([
    'refused SIGNAL_NOT_FOUND: task t1 has no step that waits for a signal "go"; it waits for none',
  ]);
});

test("a signal that came too late for its step is refused", () => {
  expect(signalled([gate({ state: "error" })])).toEqual([
    'refused SIGNAL_TAKEN: task t1 has had its signal "go"; it waits for none',
  ]);
});

test("two steps that wait for one signal take one each, in order", () => {
  const second = gate({ name: "second", state: "pending" });
  const outputs = new Map([["gate", "1"]]);
  expect(signalled([gate(), second])[0]).toBe("gate signalled 11");
  expect(signalled([gate({ state: "complete", signalled: true }), second], { outputs })).toEqual([
    'keepOutput second {"ok":true}',
    "second signalled 11",
    "noted second signal by local",
    "answer t1",
  ]);
});

test("a step that waits takes a signal before one that will, and the same payload twice is for two steps", () => {
  const later = gate({ name: "later", state: "pending" });
  expect(signalled([later, gate()])[0]).toBe("gate signalled 11");
  const outputs = new Map([["gate", '{"ok":true}']]);
  const had = gate({ state: "complete", signalled: true });
  expect(signalled([had, later], { outputs })[1]).toBe("later signalled 11");
});

test("a payload that does not fit the schema is refused, and the step goes on waiting", () => {
  const schemaProblem = { type: "misfit", text: "/ok must be a string" } as const;
  expect(signalled([gate()], { schemaProblem })).toEqual([
    'refused INVALID: payload_json does not fit result_schema of step "gate": /ok must be a string',
  ]);
  expect(signalled([gate()], { schemaProblem: { type: "limit", text: "too slow" } })).toEqual([
    'refused SCHEMA_LIMIT: SCHEMA_LIMIT: payload_json could not be checked by result_schema of step "gate": too slow',
  ]);
});

test("only a live task takes one, and only from whom it belongs to", () => {
  const stranger = { principal: "ada", namespaces: ["own"], roles: [] };
  expect(signalled([gate()], {}, stranger)).toEqual(["refused TASK_NOT_FOUND: Task not found: t1"]);
  const message = {
    type: "signal",
    caller,
    taskId: t1,
    signal: "go",
    payload: "1",
    reason: "",
    requestId: "",
  } as const;
  expect(asked(decide(signal, message, { steps: [gate()] }, at))).toEqual([
    "refused TASK_NOT_FOUND: Task not found: t1",
  ]);
  for (const state of taskStates) {
    const heard = signalled([gate()], { task: task({ state }) }).at(-1) === "answer t1";
    expect(heard, state).toBe(!isTerminal(state));
  }
});

test("a step takes a signal while it is pending or waits for it, and in no other state", () => {
  const heard = stepStates.filter((state) => signalled([gate({ state })]).at(-1) === "answer t1");
  // A Step of this type has no other states that are not settled.
  expect(heard.filter((state) => state === "pending" || state === "in_progress")).toEqual([
    "pending",
    "in_progress",
  ]);
  expect(heard).not.toContain("error");
  expect(heard).not.toContain("cancelled");
});
