import { sinksOf } from "../graph/graph.js";
import { utf8Bytes } from "../text/text.js";
import type { StepRow } from "./step.js";

/*
 * What a Task comes to: the result of the last Step, or, where several come last, an object of their results by name,
 * null for one that has none. Whoever reads it bounds it by {@link resultBytes} first.
 */

type Counted = Pick<StepRow, "name" | "dependsOn" | "outputBytes">;

/** `"null"` stands for a Step that has no result. */
const NONE = "null";

/** How long the result is in UTF-8, without reading any part of it; 0 if no Step that comes last has one. */
export function resultBytes(steps: readonly Counted[]): number {
  const sinks = sinksOf(steps);
  const outputs = sinks.reduce((sum, { outputBytes }) => sum + outputBytes, 0);
  if (outputs === 0 || sinks.length === 1) return outputs;
  // Braces, and for each member its colon and the comma before the next one.
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
