/** What the flat interpreter does not carry out is refused when the process starts, and not when it is met. */
import { expect, test } from "vitest";
import {
  type AnyStateMachine,
  assign,
  cancel,
  createMachine,
  emit,
  raise,
  sendTo,
  setup,
  spawnChild,
} from "xstate";
import { commands } from "#actors/commands";
import { decider } from "#runtime/machines/flat-interpreter";

/** A machine of two states with one thing that is more than flat. */
function machine(config: object, more: object = {}): AnyStateMachine {
  const states = { a: { on: { go: "b" } }, b: {} };
  return createMachine({ id: "m", initial: "a", states, ...config } as never, more as never);
}

const inA = (state: object) => machine({ states: { a: state, b: {} } });
const onGo = (transition: object) => inA({ on: { go: transition } });
const named = (action: unknown) => machine({}, { actions: { act: action } });

test.each<[string, AnyStateMachine, RegExp]>([
  ["a named raise", named(raise({ type: "go" })), /^m does act by xstate\.raise, which/],
  ["a named sendTo", named(sendTo("other", { type: "go" })), /^m does act by xstate\.sendTo/],
  ["a named emit", named(emit({ type: "go" } as never)), /^m does act by xstate\.emit/],
  ["a named cancel", named(cancel("id")), /^m does act by xstate\.cancel/],
  ["a named spawn", named(spawnChild("child" as never)), /^m does act by xstate\.spawnChild/],
  ["a function of its own", named(() => undefined), /^m does act by a function of its own/],
  [
    "a raise in place",
    onGo({ actions: raise({ type: "x" }) }),
    /^m\.a does an action without a name by xstate\.raise/,
  ],
  ["a raise on entry", inA({ entry: raise({ type: "x" }) }), /^m\.a does .* by xstate\.raise/],
  ["a function in place", onGo({ actions: () => undefined }), /^m\.a does .* by a function of its own/],
  ["an action that nobody wrote", onGo({ actions: "nobody" }), /^m\.a asks for nobody, which has no body/],
  ["a guard that nobody wrote", onGo({ target: "b", guard: "nobody" }), /^m\.a has a guard .*: nobody/],
  ["a guard in place", onGo({ target: "b", guard: () => true }), /^m\.a has a guard without a name/],
  ["a wildcard", inA({ on: { "*": "b" } }), /^m\.a listens for the wildcard "\*"/],
  ["half a wildcard", inA({ on: { "go.*": "b" } }), /^m\.a listens for the wildcard "go\.\*"/],
  ["re-entry", onGo({ target: "a", reenter: true }), /^m\.a re-enters itself/],
  [
    "a delay",
    inA({ after: { 10: "b" } }),
    /^m\.a (waits for xstate\.after|does .* by xstate\.raise|has exit)/,
  ],
  ["an invoked actor", inA({ invoke: { src: "x" } }), /^m\.a (invokes an actor|waits for xstate)/],
  ["an exit action", inA({ exit: assign({}) }), /^m\.a has exit actions/],
  ["a state inside", inA({ initial: "c", states: { c: {} } }), /^m\.a has states inside/],
  ["a history", machine({ states: { a: {}, b: { type: "history" } } }), /^m\.b has states inside/],
  ["a root that listens", machine({ on: { go: ".b" } }), /^m has transitions of its own/],
  ["a root that acts", machine({ entry: assign({}) }), /^m has actions around its states/],
  ["a root that invokes", machine({ invoke: { src: "x" } }), /^m (invokes|has transitions)/],
  ["a root without rest", machine({ always: { target: ".b" } }), /^m has transitions without a message/],
  [
    "an action into the first state",
    machine({ initial: { target: "a", actions: assign({}) } }),
    /^m has actions on its way into the first state/,
  ],
])("%s", (_, refused, message) => {
  expect(() => decider(refused)).toThrow(message);
});

test("targets inside other states, and in other regions", () => {
  const regions = {
    one: { initial: "a", states: { a: { on: { go: "#far" } }, b: {} } },
    two: { initial: "c", states: { c: {}, d: { id: "far" } } },
  };
  const across = createMachine({ id: "m", type: "parallel", states: regions });
  expect(() => decider(across)).toThrow("m.a goes to d, which is not beside it");
  const several = createMachine({
    id: "m",
    type: "parallel",
    states: {
      ...regions,
      one: { initial: "a", states: { a: { on: { go: [{ target: ["b", "#far"] }] } }, b: {} } },
    },
  } as never);
  expect(() => decider(several)).toThrow("m.a goes to several states at once");
});

const parts = setup({
  types: { context: {} as { n: number }, events: {} as { type: "go" } },
  actions: commands,
});

function acting(act: Parameters<typeof parts.enqueueActions>[0]): AnyStateMachine {
  return parts.extend({ actions: { act: parts.enqueueActions(act) } }).createMachine({
    id: "m",
    context: { n: 0 },
    initial: "a",
    states: { a: { on: { go: { actions: "act" } } } },
  } as never) as unknown as AnyStateMachine;
}

test("what an action may not enqueue is named when it does", () => {
  const decide = decider<{ n: number }, { type: string }>(
    acting(({ enqueue }) => enqueue.raise({ type: "go" })),
  );
  const go = () => decide({ value: "a", context: { n: 0 } }, { type: "go" });
  expect(go).toThrow("a machine enqueues raise, which the interpreter of flat machines does not carry out");
});

test("nothing is left of an action that threw", () => {
  let fails = true;
  const decide = decider<{ n: number }, { type: string }>(
    acting(({ enqueue }) => {
      enqueue.assign({ n: 1 });
      if (fails) throw new Error("at first");
    }),
  );
  expect(() => decide({ value: "a", context: { n: 0 } }, { type: "go" })).toThrow("at first");
  fails = false;
  const other = decide({ value: "a", context: { n: 5 } }, { type: "go" });
  expect(other).toEqual({ value: "a", context: { n: 1 }, commands: [], ignored: false });
});
