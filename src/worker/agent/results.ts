import { schemaProblem } from "#standard-schema/check";
import type { OutputOfSchema, StandardSchema } from "#standard-schema/types";
import { validated } from "#standard-schema/validate";
import type { Assignment } from "../run/assignment.js";
import type { StepResults } from "./context.js";
import { AgentError } from "./error.js";

/**
 * Gives a Run access to the results of earlier Steps: those sent with the assignment, and others through `fetch`.
 *
 * @param fetch reads a Step's result from the server as JSON text, empty if it has none
 */
export function resultsFor(
  { results, resultRefs, failedDependencies }: Assignment,
  fetch: (stepName: string) => Promise<string>,
): StepResults {
  async function readJson(stepName: string): Promise<string | undefined> {
    const json = Object.hasOwn(results, stepName) ? results[stepName] : await fetch(stepName);
    return json === "" ? undefined : json;
  }

  async function read(stepName: string, schema: StandardSchema | undefined): Promise<unknown> {
    const value = parse(stepName, await readJson(stepName));
    return schema ? fitted(stepName, value, schema) : value;
  }

  function result(stepName: string): Promise<unknown>;
  function result<Schema extends StandardSchema>(
    stepName: string,
    schema: Schema,
  ): Promise<OutputOfSchema<Schema>>;
  function result(stepName: string, schema?: StandardSchema): Promise<unknown> {
    return unawaited(read(stepName, schema));
  }

  return {
    dependencies: [...Object.keys(results), ...resultRefs].sort(),
    failedDependencies: [...failedDependencies].sort(),
    result,
    resultJson: (stepName) => unawaited(readJson(stepName)),
  };
}

/** Marks a promise as handled: an agent may fail before it awaits it, and a later rejection must not end the process. */
function unawaited<Value>(answer: Promise<Value>): Promise<Value> {
  answer.catch(() => {});
  return answer;
}

function parse(stepName: string, json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch (cause) {
    const message = `the result of step "${stepName}" is not JSON: ${(cause as Error).message}`;
    throw new AgentError(message, { retryable: false, cause });
  }
}

async function fitted(stepName: string, value: unknown, schema: StandardSchema): Promise<unknown> {
  const problem = schemaProblem(schema);
  if (problem !== undefined) throw new TypeError(`ctx.result("${stepName}", schema): schema ${problem}`);
  const checked = await validated(schema, value, "result");
  if (checked.fits) return checked.value;
  const message = `the result of step "${stepName}" is not what this agent needs: ${checked.problem}`;
  throw new AgentError(message, { retryable: false });
}
