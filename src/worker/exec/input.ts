import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import type { StepResults } from "../agent/context.js";
import { ToldError } from "../agent/error.js";

/**
 * Returns the text for a program's stdin: the input, and if the Step has dependencies, their results by name under
 * `results` and the names of tolerated failures under `failed_dependencies`. The JSON texts are joined, not parsed and
 * rewritten, so that numbers keep their digits.
 *
 * @throws {ToldError} if the results are too large together, or one cannot be read
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
      throw new ToldError(`${message}, more than a program is given at once`, { retryable: false });
    }
    parts.push(`${JSON.stringify(name)}:${json}`);
  }

  const added = [`"results":{${parts.join(",")}}`];
  if (failedDependencies.length > 0)
    added.push(`"failed_dependencies":${JSON.stringify(failedDependencies)}`);
  const own = input.slice(0, -1).trimEnd();
  return `${own}${own === "{" ? "" : ","}${added.join(",")}}`;
}
