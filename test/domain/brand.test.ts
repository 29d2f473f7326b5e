import { expect, test } from "vitest";
import { brand } from "#domain/brand";

/** One of several copies of the same code. */
function copy() {
  class Stop extends Error {}
  class Halt extends Stop {}
  class Other {}
  brand(Stop, "test.Stop");
  brand(Other, "test.Other");
  return { Stop, Halt, Other };
}

const [one, two] = [copy(), copy()];

test("what one copy has made is known by the class of another one", () => {
  expect(new one.Stop()).toBeInstanceOf(two.Stop);
  expect(new one.Halt()).toBeInstanceOf(two.Stop);
  expect(new one.Stop()).toBeInstanceOf(one.Stop);
  expect(Object.keys(new one.Stop())).toEqual([]);
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["a text", "Stop"],
  ["an error", new Error("Stop")],
  ["an object of the same name", { name: "Stop" }],
  ["an instance of another class", new one.Other()],
])("%s is none", (_, thing) => {
  expect(thing instanceof two.Stop).toBe(false);
});

test("a subclass without a brand keeps the usual rule", () => {
  expect(new one.Halt()).toBeInstanceOf(one.Halt);
  expect(new one.Stop() instanceof one.Halt).toBe(false);
  expect(new one.Halt() instanceof two.Halt).toBe(false);
});
