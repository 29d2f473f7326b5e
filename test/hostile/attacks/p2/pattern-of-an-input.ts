import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** A pattern that takes two to the power of forty steps over forty letters, in a schema of a Task's input. */
export async function patternOfAnInput(target: Target): Promise<void> {
  const rpc = connect(target);
  const input_schema = { type: "object", properties: { s: { type: "string", pattern: "^(a+)+$" } } };
  await register(rpc, "pattern", { input_schema, steps: [step("one", ECHO)] });
  const inputJson = JSON.stringify({ s: `${"a".repeat(40)}!` });
  await flood(target, { lanes: 4, most: 200 }, () => fromTemplate(rpc, "pattern", inputJson));
}
