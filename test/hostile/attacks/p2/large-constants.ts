import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Each item is compared with tens of thousands of values that differ from it only in their last key. */
export async function largeConstants(target: Target): Promise<void> {
  const rpc = connect(target);
  const value = (last: number) => ({ a: [1, 2, { b: "x".repeat(10), c: last }] });
  const items = { enum: Array.from({ length: 9_000 }, (_, i) => value(i)) };
  const input_schema = { type: "object", properties: { list: { items, contains: { const: value(-2) } } } };
  await register(rpc, "constants", { input_schema, steps: [step("one", ECHO)] });
  const inputJson = JSON.stringify({ list: Array.from({ length: 10_000 }, () => value(8_999)) });
  await flood(target, { lanes: 2, most: 20 }, () => fromTemplate(rpc, "constants", inputJson));
}
