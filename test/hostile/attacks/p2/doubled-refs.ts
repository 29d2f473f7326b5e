import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Definitions of which each refers to the next one twice: 2 KiB of text, two to the power of forty validations. */
export async function doubledRefs(target: Target): Promise<void> {
  const rpc = connect(target);
  const depth = 40;
  const $defs = Object.fromEntries(
    Array.from({ length: depth }, (_, i) => {
      const $ref = `#/$defs/d${i + 1}`;
      return [`d${i}`, { allOf: [{ $ref }, { $ref }] }];
    }),
  );
  const input_schema = {
    type: "object",
    $ref: "#/$defs/d0",
    $defs: { ...$defs, [`d${depth}`]: { type: "object" } },
  };
  await flood(target, { lanes: 2, most: 10 }, async (i) => {
    await register(rpc, `refs_${i}`, { input_schema, steps: [step("one", ECHO)] });
    await fromTemplate(rpc, `refs_${i}`, "{}");
  });
}
