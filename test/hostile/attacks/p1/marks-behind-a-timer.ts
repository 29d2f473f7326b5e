import { connect, endOf, fromTemplate, isPatient, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** A child that begins when a timer is due is given a string that looks like a kept number; the timer goes on for others. */
export async function marksBehindATimer(target: Target): Promise<void> {
  const rpc = connect(target);
  const child = { name: "part", type: "child_task", child: { agent: ECHO, input: "input/part" } };
  const list = { ...step("fan", ECHO), type: "map", map: { over: "input/list" }, dependencies: ["part"] };
  const steps = [
    { name: "wait", type: "timer", timer: { delay_ms: 20 } },
    { ...child, dependencies: ["wait"] },
    list,
  ];
  await register(rpc, "marks_later", { steps });
  const inputs = [
    '{"part":{"x":"\\u0000-"},"list":[1]}',
    '{"part":["\\u0000","\\u00001"],"list":["\\u0000-"]}',
  ];
  for (const input of inputs) await fromTemplate(rpc, "marks_later", input);

  const id = await fromTemplate(rpc, "marks_later", '{"part":{"x":1},"list":[2]}');
  const task = id && (await endOf(rpc, target, id));
  if (!task && isPatient(target)) throw new Error("a Task with a timer has not ended");
}
