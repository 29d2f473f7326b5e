import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

const object = { type: "object" };
/** Schemas that refer to themselves, or to what refers to them, with and without anything taken off on the way. */
const SCHEMAS = [
  { ...object, $ref: "#" },
  { ...object, allOf: [{ $ref: "#" }, { $ref: "#" }] },
  { ...object, $dynamicAnchor: "a", anyOf: [{ $dynamicRef: "#a" }, { not: { $dynamicRef: "#a" } }] },
  { ...object, properties: { a: { $ref: "#" } }, unevaluatedProperties: { $ref: "#" } },
  {
    ...object,
    $defs: { a: { $ref: "#/$defs/b" }, b: { anyOf: [{ $ref: "#/$defs/a" }] } },
    $ref: "#/$defs/a",
  },
  { ...object, $id: "http://127.0.0.1:1/x", $ref: "http://127.0.0.1:1/y" },
];

/** Each judges inputs sixty levels deep. */
export async function endlessRefs(target: Target): Promise<void> {
  const rpc = connect(target);
  const deep = `${'{"a":'.repeat(60)}1${"}".repeat(60)}`;
  await flood(target, { lanes: 2, most: 60 }, async (i) => {
    const input_schema = SCHEMAS[i % SCHEMAS.length];
    await register(rpc, `endless_${i % SCHEMAS.length}`, { input_schema, steps: [step("one", ECHO)] });
    await fromTemplate(rpc, `endless_${i % SCHEMAS.length}`, deep);
  });
}
