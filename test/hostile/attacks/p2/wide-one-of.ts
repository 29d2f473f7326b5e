import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Two thousand alternatives, each of its own shape: the code that checks them is large, and slow to make. */
export async function wideOneOf(target: Target): Promise<void> {
  const rpc = connect(target);
  const one = (i: number) => ({
    type: "object",
    properties: { [`k${i}`]: { const: i } },
    required: [`k${i}`],
  });
  await flood(target, { lanes: 2, most: 6 }, async (round) => {
    const oneOf = Array.from({ length: 2_000 }, (_, i) => one(2_000 * round + i));
    const result_schema = { oneOf };
    const steps = [step("one", ECHO, { result_schema })];
    await register(rpc, `wide_${round}`, { input_schema: { type: "object", oneOf }, steps });
    await fromTemplate(rpc, `wide_${round}`, JSON.stringify({ none: true }));
  });
}
