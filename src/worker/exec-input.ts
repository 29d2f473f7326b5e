import { limits } from "#domain/limits";
import { utf8Bytes } from "#domain/text";
import type { StepResults } from "./agent-context.js";
import { AgentError } from "./agent-error.js";

/**
 * What a program is given on stdin: the input as it came, and for a step of a workflow that others come
 * before, their results by name under `results`, and the names of those that failed under
 * `failed_dependencies`. Numbers and spaces stay as they were written: nothing is parsed to be written anew.
 *
 * @throws {AgentError} if the results are too much for one text, or one could not be read
 */
export async function inputWithResults(inputJson: string, results: StepResults): Promise<string> {
  const input = inputJson.trim() === "" ? "{}" : inputJson.trim();
  const { dependencies, failedDependencies } = results;
  if (dependencies.length + failedDependencies.length === 0 || !input.startsWith("{")) return input;

  const parts: string[] = [];
  let bytes = 0;
  for (const name of dependencies) {
    const json = (await results.resultJson(name)) ?? "null";
    bytes += utf8Bytes(json);
    if (bytes > limits.execInputBytes) {
      const message = `the results of ${dependencies.length} steps are over ${limits.execInputBytes} bytes together`;
      throw new AgentError(`${message}, more than a program is given at once`, { retryable: false });
    }
    parts.push(`${JSON.stringify(name)}:${json}`);
  }

  const added = [`"results":{${parts.join(",")}}`];
  if (failedDependencies.length > 0)
    added.push(`"failed_dependencies":${JSON.stringify(failedDependencies)}`);
  const own = input.slice(0, -1).trimEnd();
  return `${own}${own === "{" ? "" : ","}${added.join(",")}}`;
}
