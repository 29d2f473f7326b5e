import { sinksOf } from "../graph/graph.js";
import { utf8Bytes } from "../text/text.js";
import type { StepRow } from "./step.js";

/*
 * The result of a Task: the result of its last Step, or, if there are several last Steps, an object of their results by
 * name, with null for a Step without one. Check its size by {@link resultBytes} before reading the parts.
 */

type Counted = Pick<StepRow, "name" | "dependsOn" | "outputBytes">;

/** The JSON text of a Step without a result. */
const NONE = "null";

/** Length of the result in UTF-8, computed from rows only; 0 if no last Step has a result. */
export function resultBytes(steps: readonly Counted[]): number {
  const sinks = sinksOf(steps);
  const outputs = sinks.reduce((sum, { outputBytes }) => sum + outputBytes, 0);
  if (outputs === 0 || sinks.length === 1) return outputs;
  // Braces, and for each member its colon and a comma.
  return sinks.reduce(
    (sum, { name, outputBytes }) => sum + utf8Bytes(JSON.stringify(name)) + 2 + (outputBytes || NONE.length),
    1,
  );
}

/** The result as JSON text, empty if there is none. @param outputOf a Step's result, empty or absent if it has none */
export function resultText(
  steps: readonly Counted[],
  outputOf: (name: string) => string | undefined,
): string {
  const sinks = sinksOf(steps);
  if (sinks.every(({ outputBytes }) => outputBytes === 0)) return "";
  const [first] = sinks;
  if (first && sinks.length === 1) return outputOf(first.name) ?? "";
  return `{${sinks.map(({ name }) => `${JSON.stringify(name)}:${outputOf(name) || NONE}`).join(",")}}`;
}
