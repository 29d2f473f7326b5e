import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Alternatives within alternatives, each of which looks at everything again when the one before did not fit. */
export async function nestedAnyOf(target: Target): Promise<void> {
  const rpc = connect(target);
  let schema: object = { const: "nothing" };
  for (let depth = 0; depth < 10; depth += 1)
    schema = { anyOf: [{ not: schema, const: depth }, schema, { not: {} }] };
  const item = { anyOf: [{ properties: { a: schema } }, schema], unevaluatedProperties: false };
  const input_schema = {
    type: "object",
    properties: { list: { type: "array", items: item, contains: schema } },
  };
  await register(rpc, "nested", { input_schema, steps: [step("one", ECHO, { result_schema: item })] });
  const inputJson = JSON.stringify({ list: Array.from({ length: 2_000 }, (_, a) => ({ a, b: a })) });
  await flood(target, { lanes: 2, most: 20 }, () => fromTemplate(rpc, "nested", inputJson));
}
