import { connect, fromTemplate, MIB, register } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** A map over one item as large as the input, with a config as large: each member is given all of it three times. */
export async function itemsOfTheLargest(target: Target): Promise<void> {
  const rpc = connect(target);
  const initialization = { pad: "\u0001".repeat(150_000) }; // six bytes each as JSON
  const fan = {
    name: "fan",
    type: "map",
    handler: { callable: ECHO, initialization },
    map: { over: "input/list" },
  };
  const part = { name: "part", type: "child_task", child: { agent: ECHO, input: "input/list/0" } };
  await register(rpc, "items", {
    steps: [fan, part, { ...fan, name: "again", handler: { callable: ECHO }, dependencies: ["part"] }],
  });
  for (const text of ["x".repeat(MIB - 32), "\\u0001".repeat(170_000), "é".repeat(MIB / 2 - 32)]) {
    if (target.signal.aborted) return;
    await fromTemplate(rpc, "items", `{"list":["${text}"]}`);
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}
