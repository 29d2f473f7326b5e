import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** A new schema with each request: nothing that was made for one is of any use for the next. */
export async function manyToCompile(target: Target): Promise<void> {
  const rpc = connect(target);
  await flood(target, { lanes: 8, most: 400 }, async (i) => {
    const properties = Object.fromEntries(
      Array.from({ length: 100 }, (_, k) => [
        `p${i}_${k}`,
        { type: ["string", "null"], format: "date-time", maxLength: k },
      ]),
    );
    const result_schema = { properties, minProperties: i, dependentRequired: { [`p${i}_1`]: [`p${i}_2`] } };
    const steps = Array.from({ length: 10 }, (_, k) =>
      step(`s${k}`, ECHO, { result_schema: { ...result_schema, k } }),
    );
    await register(rpc, `compile_${i}`, { input_schema: { type: "object", properties }, steps });
    await fromTemplate(rpc, `compile_${i}`, "{}");
  });
}
