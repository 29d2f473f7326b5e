import { connect, createTask, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** JSON text may escape half a character, which no string on the wire can hold once it was parsed. */
export async function surrogateEscapes(target: Target): Promise<void> {
  const rpc = connect(target);
  const fan = { ...step("fan", ECHO), type: "map", map: { over: "input/list" } };
  const part = { name: "part", type: "child_task", child: { agent: ECHO, input: "input/list/0" } };
  const wait = { name: "wait", type: "signal", signal: { timeout_ms: 30, default: { half: "\ud800" } } };
  await register(rpc, "halves", { steps: [fan, part, wait] });
  const halves = [
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\udfff":"\\ud83d"}',
    '"\\u0000\\ud800-1"',
    '"a\\ud800b"',
  ];
  for (let i = 0; i < 10 && !target.signal.aborted; i += 1) {
    await fromTemplate(rpc, "halves", `{"list":[${halves.join(",")}]}`);
    for (const half of halves)
      await createTask(rpc, { agentName: ECHO, inputJson: half, correlationId: `${half}${i}` });
  }
}
