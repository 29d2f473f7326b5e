import { expect, test } from "vitest";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import { AgentError, ToldError } from "#worker/agent/error";
import { stackOf } from "#worker/agent/stack";

test("a stack says where, then its causes and what it collects, each once", () => {
  const root = new TypeError("root");
  const error = new AgentError("outer", { cause: new AggregateError([root, "a word", root], "middle") });
  Object.assign(root, { cause: error, config: { headers: { authorization: "secret" } } });

  const lines = stackOf(error)
    .split("\n")
    .filter((line) => !line.startsWith("    at "));
  expect(lines).toEqual([
    "AgentError: outer",
    "caused by: AggregateError: middle",
    "with: TypeError: root",
    "with: a word",
  ]);
  expect(stackOf(error)).toContain("stack.test.ts");
  expect(stackOf(error)).not.toContain("secret");
});

const hostile: object = new Proxy(
  {},
  {
    get: () => {
      throw hostile;
    },
    getPrototypeOf: () => {
      throw hostile;
    },
  },
);

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["null", null],
  ["a word", "boom"],
  ["an object without a stack", { message: "m", cause: new Error("c") }],
  ["a stack that is no text", Object.assign(new Error("x"), { stack: 5 })],
  ["a proxy that throws", hostile],
  ["an error of the library itself", new ToldError("the input does not fit")],
])("%s has no stack", (_, thrown) => {
  expect(stackOf(thrown)).toBe("");
});

test("a cause that cannot be read hides nothing; causes without end are cut; a function is no error", () => {
  expect(stackOf(new Error("x", { cause: hostile }))).toMatch(
    /stack.test.ts[\s\S]*caused by: something was thrown that/,
  );
  let chain = new Error("0");
  for (let i = 1; i < 1_000; i += 1) chain = new Error(String(i), { cause: chain });
  expect(stackOf(chain).match(/caused by/g)).toHaveLength(limits.stackCauses - 1);
  expect(stackOf(() => 1)).toBe("");
});

test("a long message leaves room for the place; what is cut is cut on a character", () => {
  const long = stackOf(new Error("é".repeat(50_000)));
  expect(long).toContain("stack.test.ts");
  expect(utf8Bytes(long)).toBeLessThanOrEqual(limits.errorDetailBytes);

  const wide = Object.assign(new Error("x"), { stack: `x${"é".repeat(50_000)}` });
  expect(stackOf(wide)).toBe(`x${"é".repeat((limits.errorDetailBytes - 2) / 2)}`);
  expect(stackOf(Object.assign(new Error("y"), { stack: "y\ud83d" }))).toBe("y\ufffd");
});
