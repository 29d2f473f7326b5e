import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Twenty thousand objects that are all to be unlike one another: two hundred million comparisons. */
export async function uniqueObjects(target: Target): Promise<void> {
  const rpc = connect(target);
  const input_schema = { type: "object", properties: { list: { type: "array", uniqueItems: true } } };
  await register(rpc, "unique", { input_schema, steps: [step("one", ECHO)] });
  const list = Array.from({ length: 20_000 }, (_, i) => ({ a: { b: i } }));
  const inputJson = JSON.stringify({ list });
  await flood(target, { lanes: 2, most: 20 }, () => fromTemplate(rpc, "unique", inputJson));
}
