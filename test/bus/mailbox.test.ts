import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "#bus/mailbox";

interface Item {
  readonly name: number | string;
  readonly weight: number;
}

/** A mailbox of things that weigh nothing, unless said. */
function mailboxOf(count: number, bytes = 1_000) {
  const mailbox = new Mailbox<Item>({ count, bytes });
  return {
    mailbox,
    push: (name: Item["name"], weight = 0) => mailbox.push({ name, weight }),
    shift: () => mailbox.shift()?.name,
    giveBack: (names: readonly Item["name"][]) =>
      mailbox.giveBack(names.map((name) => ({ name, weight: 0 }))),
  };
}

test("a full mailbox refuses, and takes again once something has left", () => {
  const { mailbox, push, shift } = mailboxOf(2);
  expect([push("a"), push("b"), push("c")]).toEqual([true, true, false]);
  expect([mailbox.isFull, mailbox.size]).toEqual([true, 2]);
  expect(shift()).toBe("a");
  expect(push("d")).toBe(true);
  expect([shift(), shift(), shift()]).toEqual(["b", "d", undefined]);
});

test("what is given back comes out again first, even if that is more than fits", () => {
  const { mailbox, push, shift, giveBack } = mailboxOf(3);
  for (const item of [1, 2, 3]) push(item);
  const taken = [shift(), shift()].filter((item) => item !== undefined);
  for (const item of [4, 5]) push(item);
  giveBack(taken);

  expect([mailbox.size, mailbox.isFull, push(6)]).toEqual([5, true, false]);
  expect(Array.from({ length: 5 }, () => shift())).toEqual([1, 2, 3, 4, 5]);
});

test("few heavy messages fill a mailbox as many light ones do", () => {
  const { mailbox, push, shift } = mailboxOf(10, 100);
  expect([push("a", 60), push("b", 60), push("c")]).toEqual([true, true, false]);
  expect(shift()).toBe("a");
  expect([mailbox.isFull, push("c", 1)]).toEqual([false, true]);
});

test("a mailbox for nothing, or for half a message, is a mistake", () => {
  for (const capacity of [0, -1, 1.5, Number.NaN]) expect(() => mailboxOf(capacity)).toThrow(RangeError);
});

test("through any mixture of putting, taking and giving back, it is a queue that never exceeds its bound", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant("push" as const) },
    { weight: 4, arbitrary: fc.constant("shift" as const) },
    { weight: 1, arbitrary: fc.constant("giveBack" as const) },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(step, { maxLength: 600 }), (capacity, steps) => {
      const { mailbox, push, shift, giveBack } = mailboxOf(capacity);
      let model: Item["name"][] = [];
      let taken: Item["name"][] = [];
      let next = 0;
      for (const step of steps) {
        if (step === "push") {
          expect(push(next)).toBe(model.length < capacity);
          if (model.length < capacity) model.push(next);
          next += 1;
        } else if (step === "shift") {
          const item = shift();
          expect(item).toBe(model.shift());
          if (item !== undefined) taken.push(item);
        } else {
          giveBack(taken);
          model = [...taken, ...model];
          taken = [];
        }
        expect([mailbox.size, mailbox.peek()?.name]).toEqual([model.length, model[0]]);
      }
    }),
    { numRuns: 50 },
  );
});
