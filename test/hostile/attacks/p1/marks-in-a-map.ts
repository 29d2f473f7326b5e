import { connect, createTask, endOf, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Strings that look like what a parser might put in the place of a number that it must keep digit by digit. */
const MARKS = [
  "\0-",
  "\0" + "42",
  "\0" + "1e5",
  "\0\0" + "1",
  "\0" + "0.1",
  "\\u000042",
  "\0--",
  "\0NaN",
  "\0.e+",
];

/** They pass through a map, with numbers that no double holds between them, and come out as they went in. */
export async function marksInAMap(target: Target): Promise<void> {
  const rpc = connect(target);
  const steps = [{ ...step("fan", ECHO), type: "map", map: { over: "input/list" } }];
  await register(rpc, "marks", { steps });
  const lists = [MARKS, MARKS.slice(0, 1), [...MARKS].reverse(), ["\0-", { "\0-": "\0" + "7" }]];
  for (const list of lists) {
    const id = await fromTemplate(rpc, "marks", JSON.stringify({ list }));
    const task = id && (await endOf(rpc, target, id));
    if (!task) continue;
    if (task.outputJson !== JSON.stringify(list)) {
      throw new Error(`a map of ${JSON.stringify(list)} ended as ${task.outputJson || task.errorMessage}`);
    }
  }
  await createTask(rpc, { agentName: ECHO, inputJson: JSON.stringify(MARKS) });
}
