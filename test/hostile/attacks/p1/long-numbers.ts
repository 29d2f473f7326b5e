import { connect, endOf, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Numbers of a million digits, of exponents that no double has, and texts of almost nothing but them. */
export async function longNumbers(target: Target): Promise<void> {
  const rpc = connect(target);
  const fan = { ...step("fan", ECHO), type: "map", map: { over: "input/list" } };
  const part = {
    name: "part",
    type: "child_task",
    child: { agent: ECHO, input: "input/list" },
    dependencies: ["fan"],
  };
  await register(rpc, "numbers", { steps: [fan, part] });
  const digits = "9".repeat(900_000);
  const many = Array.from({ length: 50_000 }, (_, i) => `1234567890123456${i}`).join(",");
  const lists = [digits, `0.${digits}`, `1e${digits}`, "1e-400,-0,1E+400,-1e999", `"${digits}"`];
  for (const list of [...lists, `[${many}]`]) {
    if (target.signal.aborted) return;
    await fromTemplate(rpc, "numbers", `{"list":[${list}]}`);
  }
  const id = await fromTemplate(rpc, "numbers", '{"list":[1]}');
  if (id) await endOf(rpc, target, id);
}
