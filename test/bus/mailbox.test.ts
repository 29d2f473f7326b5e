import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "#bus/mailbox";

test("a full mailbox refuses, and takes again once something has left", () => {
  const mailbox = new Mailbox<string>(2);
  expect([mailbox.push("a"), mailbox.push("b"), mailbox.push("c")]).toEqual([true, true, false]);
  expect([mailbox.isFull, mailbox.size]).toEqual([true, 2]);
  expect(mailbox.shift()).toBe("a");
  expect(mailbox.push("d")).toBe(true);
  expect([mailbox.shift(), mailbox.shift(), mailbox.shift()]).toEqual(["b", "d", undefined]);
});

test("what is given back comes out again first, even if that is more than fits", () => {
  const mailbox = new Mailbox<number>(3);
  for (const item of [1, 2, 3]) mailbox.push(item);
  const taken = [mailbox.shift(), mailbox.shift()].filter((item) => item !== undefined);
  for (const item of [4, 5]) mailbox.push(item);
  mailbox.giveBack(taken);

  expect([mailbox.size, mailbox.isFull, mailbox.push(6)]).toEqual([5, true, false]);
  expect(Array.from({ length: 5 }, () => mailbox.shift())).toEqual([1, 2, 3, 4, 5]);
});

test("a mailbox for nothing, or for half a message, is a mistake", () => {
  for (const capacity of [0, -1, 1.5, Number.NaN]) expect(() => new Mailbox(capacity)).toThrow(RangeError);
});

test("through any mixture of putting, taking and giving back, it is a queue that never exceeds its bound", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant("push" as const) },
    { weight: 4, arbitrary: fc.constant("shift" as const) },
    { weight: 1, arbitrary: fc.constant("giveBack" as const) },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(step, { maxLength: 600 }), (capacity, steps) => {
      const mailbox = new Mailbox<number>(capacity);
      let model: number[] = [];
      let taken: number[] = [];
      let next = 0;
      for (const step of steps) {
        if (step === "push") {
          expect(mailbox.push(next)).toBe(model.length < capacity);
          if (model.length < capacity) model.push(next);
          next += 1;
        } else if (step === "shift") {
          const item = mailbox.shift();
          expect(item).toBe(model.shift());
          if (item !== undefined) taken.push(item);
        } else {
          mailbox.giveBack(taken);
          model = [...taken, ...model];
          taken = [];
        }
        expect([mailbox.size, mailbox.peek()]).toEqual([model.length, model[0]]);
      }
    }),
    { numRuns: 50 },
  );
});
