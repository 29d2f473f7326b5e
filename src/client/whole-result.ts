import { sinksOf } from "#domain/graph/graph";
import { resultBytes, resultText } from "#domain/task/result";
import { limits } from "#limits/index";
import { TaskRunError } from "./error.js";
import type { Task } from "./views.js";

/**
 * The whole result of a completed Task as JSON text; empty if it has none. What an answer had no room for is read Step
 * by Step.
 *
 * @param read the result of a Step
 * @throws {TaskRunError} `RESOURCE_EXHAUSTED` if the results of all last Steps are too large to be one text
 */
export async function wholeResult(
  { id, outputJson, steps }: Task,
  read: (stepName: string) => Promise<string>,
): Promise<string> {
  const bytes = outputJson === "" ? resultBytes(steps) : 0;
  if (bytes === 0) return outputJson;
  if (bytes > limits.wholeResultBytes) {
    const most = `${limits.wholeResultBytes} bytes`;
    const text = `the result of task ${id} is ${bytes} bytes long; at most ${most} are read as one: read it with tasks.stepResult`;
    throw new TaskRunError("RESOURCE_EXHAUSTED", text, { reason: "RESULT_TOO_LARGE" });
  }
  const parts = new Map<string, string>();
  for (const { name, outputBytes } of sinksOf(steps)) {
    if (outputBytes > 0) parts.set(name, await read(name));
  }
  return resultText(steps, (name) => parts.get(name));
}
