import { expect, test } from "vitest";
import { assign, setup } from "xstate";
import { play, playFrom } from "#testing/transcript";

type Kettle = { litres: number };
type Message =
  | { type: "fill"; at: number; litres: number }
  | { type: "boil"; at: number }
  | { type: "off"; at: number };

const ask = (_: unknown, _params: { to: string; message: unknown }) => {};
const plain = setup({
  types: { context: {} as Kettle, events: {} as Message, input: {} as Kettle },
  actions: {
    tell: ask,
    fillUp: assign({ litres: ({ event }) => (event.type === "fill" ? event.litres : 0) }),
  },
});
const tellCook = (type: string) =>
  ({
    type: "tell",
    params: ({ context }: { context: Kettle }) => ({
      to: "cook",
      message: { type, litres: context.litres, note: "" },
    }),
  }) as const;

const kettle = plain.createMachine({
  context: ({ input }) => input,
  initial: "cold",
  entry: tellCook("bought"),
  states: {
    cold: {
      on: { fill: { actions: "fillUp" }, boil: { target: "hot.boiling", actions: tellCook("boiling") } },
    },
    hot: { initial: "boiling", states: { boiling: {} }, on: { off: "cold" } },
  },
});

test("a transcript says when, what was told, where it led, and what was asked", () => {
  expect(
    play(kettle, { litres: 0 }, [
      [5, "fill", { litres: 2 }],
      [10, "boil"],
      [10_000, "boil"], // it boils already
      [20_000, "off"],
    ]),
  ).toMatchInlineSnapshot(`
    "
        0 ms      cold         tell(cook, bought(0, ""))
        5 ms fill cold
       10 ms boil hot.boiling  tell(cook, boiling(2, ""))
    10000 ms boil ignored
    20000 ms off  cold
    "
  `);
});

test("a transcript can begin in the middle, and shows every region of a parallel machine", () => {
  const lamp = setup({ types: { events: {} as { type: "press" } } }).createMachine({
    type: "parallel",
    states: {
      light: { initial: "off", states: { off: { on: { press: "on" } }, on: {} } },
      fuse: { initial: "whole", states: { whole: {}, blown: {} } },
    },
  });
  const blown = lamp.resolveState({ value: { light: "off", fuse: "blown" } });

  expect(playFrom(lamp, blown, [[1, "press"]])).toMatchInlineSnapshot(`
    "
    0 ms       light.off fuse.blown
    1 ms press light.on fuse.blown
    "
  `);
});
