import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Patterns that only some engines have, or that are slow in all of them, over the names of many properties. */
const PATTERNS = [
  "^(?=(a+)+$)",
  "^(a|a)*$",
  "(.*)*x",
  "^(a?){30}a{30}$",
  "(a+)\\1+b",
  "\\p{L}{1,1000}{1,1000}z",
  "(?<=a+)b",
];

export async function patternsForProperties(target: Target): Promise<void> {
  const rpc = connect(target);
  const patternProperties = Object.fromEntries(PATTERNS.map((pattern) => [pattern, { type: "null" }]));
  const schemas = [
    { patternProperties },
    ...PATTERNS.map((pattern) => ({ propertyNames: { pattern }, additionalProperties: { pattern } })),
  ];
  const names = Array.from({ length: 300 }, (_, i) => [`${"a".repeat(35)}${i}!`, "a".repeat(35)]);
  const inputJson = JSON.stringify(Object.fromEntries(names));
  await flood(target, { lanes: 2, most: 40 }, async (i) => {
    const name = `names_${i % schemas.length}`;
    const input_schema = { type: "object", ...schemas[i % schemas.length] };
    await register(rpc, name, { input_schema, steps: [step("one", ECHO)] });
    await fromTemplate(rpc, name, inputJson);
  });
}
