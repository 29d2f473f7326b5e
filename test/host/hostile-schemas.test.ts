import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "#domain/json/json";
import type { Verdict } from "#domain/template/verdict";
import { jsonSchemas } from "#host/schemas";

/**
 * Schemas and values that keep a validator busy for seconds to hours, or take all memory there is, on real threads.
 * What is asked of them is an answer, within the limits and some time to start threads, and that nothing else waits.
 */
const schemas = jsonSchemas();
/** How long this thread was kept from everything else. */
let longest = 0;
let beat: NodeJS.Timeout;
beforeAll(() => {
  let last = performance.now();
  beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
});
afterAll(async () => {
  clearInterval(beat);
  await schemas.close();
});

const email = "^([a-zA-Z0-9_.-]+)+@(([a-zA-Z0-9-])+.)+([a-zA-Z0-9]{2,4})+$";
const list = <Item>(length: number, item: (i: number) => Item) => Array.from({ length }, (_, i) => item(i));
const keyed = <Item>(length: number, item: (i: number) => Item) =>
  Object.fromEntries(list(length, (i) => [`k${i}`, item(i)]));
const ref = (name: string) => ({ $ref: `#/$defs/${name}` });
const doubled = {
  ...ref("a0"),
  $defs: {
    ...Object.fromEntries(list(34, (i) => [`a${i}`, { allOf: [ref(`a${i + 1}`), ref(`a${i + 1}`)] }])),
    a34: { type: "string" },
  },
};
/** In text, for the value may lie deeper than can be written. */
const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
const unevaluated = list(12, (i) => i).reduce<JsonObject>(
  (of, i) => ({
    anyOf: [{ allOf: [of, { properties: { [`p${i}`]: true } }] }, of],
    unevaluatedProperties: false,
  }),
  {},
);

test.each<[string, JsonObject, string, Verdict["type"] | RegExp]>([
  ["a pattern, in linear time", { pattern: "^(a+)+$" }, JSON.stringify(`${"a".repeat(40)}!`), "misfit"],
  [
    "an e-mail pattern over a long answer",
    { pattern: email },
    JSON.stringify("a.b-".repeat(20_000)),
    "misfit",
  ],
  ["a pattern that goes back", { pattern: "^(?=a)(a+)+$" }, JSON.stringify(`${"a".repeat(40)}!`), "limit"],
  [
    "a pattern of names",
    { patternProperties: { "^(?=a)(a|a)*$": true } },
    JSON.stringify({ [`${"a".repeat(40)}!`]: 1 }),
    "limit",
  ],
  [
    "names by a pattern",
    { propertyNames: { pattern: "^(?=a)(a*)*$" } },
    JSON.stringify({ [`${"a".repeat(40)}!`]: 1 }),
    "limit",
  ],
  [
    "a format that goes back",
    { format: "url" },
    JSON.stringify(`http://${":@".repeat(50_000)}`),
    /limit|misfit/,
  ],
  [
    "20 000 objects compared with each other",
    { uniqueItems: true },
    JSON.stringify(list(20_000, (i) => ({ i }))),
    /limit|fits/,
  ],
  [
    "200 000 objects compared with each other",
    { uniqueItems: true },
    JSON.stringify(list(100_000, (i) => [i])),
    "limit",
  ],
  ["references doubled 34 times", doubled, '"x"', "limit"],
  ["2 000 branches", { oneOf: list(2_000, (i) => ({ const: { i } })) }, "5", /limit|misfit/],
  ["5 000 branches", { anyOf: list(5_000, (i) => ({ required: [`k${i}`] })) }, "{}", /limit|misfit/],
  ["10 000 properties", { properties: keyed(10_000, () => ({ minLength: 1 })) }, "{}", /limit|fits/],
  ["branches within branches, and what they leave", unevaluated, '{"a":1}', /limit|misfit|invalid/],
  [
    "itself, twice, over a deep value",
    { anyOf: [{ properties: { a: { $ref: "#" } }, required: ["b"] }, { properties: { a: { $ref: "#" } } }] },
    nested(60, '{"a":', "}").replace("}", "1}"),
    /limit|fits/,
  ],
  [
    "itself by a name, over a value deeper than a stack",
    { $dynamicAnchor: "n", items: { $dynamicRef: "#n" } },
    nested(100_000, "[", "]"),
    "limit",
  ],
  [
    "a deep schema",
    list(3_000, (i) => i).reduce<JsonObject>((of) => ({ items: of }), {}),
    "[]",
    /limit|fits/,
  ],
  [
    "a schema deeper than a stack",
    { const: JSON.parse(nested(3_000, "[", "]")) },
    nested(3_000, "[", "]"),
    /limit|fits/,
  ],
  [
    "contains within contains",
    { contains: { contains: { contains: { const: 1 } } }, minContains: 1e6 },
    JSON.stringify(list(60, () => list(60, () => list(60, () => 2)))),
    /limit|misfit/,
  ],
  [
    "dependent schemas",
    { dependentSchemas: keyed(2_000, () => ({ allOf: [{ minProperties: 1 }] })) },
    JSON.stringify(keyed(2_000, () => 1)),
    /limit|fits/,
  ],
  [
    "a large enum of objects over a long list",
    { items: { enum: list(5_000, (i) => ({ a: i })) } },
    JSON.stringify(list(50_000, () => ({ a: -1 }))),
    /limit|misfit/,
  ],
  ["a large constant", { const: list(20_000, (i) => i) }, JSON.stringify(list(20_000, (i) => i)), "fits"],
  [
    "multiples of next to nothing",
    { items: { multipleOf: 5e-324 } },
    JSON.stringify(list(100_000, (i) => i + 0.1)),
    /misfit|fits/,
  ],
  ["the length of many pairs", { maxLength: 10 }, JSON.stringify("😀".repeat(200_000)), "misfit"],
  ["many types", { type: list(30_000, () => "string") }, "1", /invalid|limit/],
  [
    "many patterns",
    { patternProperties: Object.fromEntries(list(2_000, (i) => [`^(a|b|${i}){1,300}$`, true])) },
    JSON.stringify(keyed(100, () => 1)),
    /limit|fits/,
  ],
  [
    "an error for each of many items",
    { items: { type: "string", allOf: list(50, () => ({ type: "string" })) } },
    JSON.stringify(list(300_000, () => 1)),
    /misfit/,
  ],
  ["a large schema", { enum: list(60_000, (i) => i) }, "1", "limit"],
])("%s", { timeout: 60_000 }, async (_, schema, json, expected) => {
  longest = 0;
  const verdict = await schemas.judge(schema, json);
  expect(verdict.type).toMatch(typeof expected === "string" ? new RegExp(`^${expected}$`) : expected);
  if (verdict.type !== "fits") expect(Buffer.byteLength(verdict.text)).toBeLessThan(4_096);
  expect(longest).toBeLessThan(2_500);
});

test("others are checked meanwhile", { timeout: 60_000 }, async () => {
  const own = jsonSchemas();
  const costly = { uniqueItems: true, items: { type: "object" } };
  await own.judge(costly, "[]");
  const hostile = own.judge({ pattern: "^(?=a)(a+)+$" }, JSON.stringify(`${"a".repeat(40)}!`));
  const order: string[] = [];
  void hostile.then(() => order.push("hostile"));
  for (let i = 0; i < 5; i += 1) {
    expect(await own.judge({ ...costly, title: String(i) }, "[{}]")).toEqual({ type: "fits" });
    order.push("other");
  }
  expect(await hostile).toMatchObject({ type: "limit" });
  expect(order).toEqual(["other", "other", "other", "other", "other", "hostile"]);
  await own.close();
});
