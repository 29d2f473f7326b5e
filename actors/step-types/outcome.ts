import { isJsonObject, type Json } from "#domain/json/json";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { keyOf, tellFinalizer } from "../make-command.js";
import { complete } from "../step/outcomes.js";

/** The Steps that the result asks for are made before its own Step is complete. */
export function acceptExpansion(task: TaskRow, step: StepRow, output: string, at: Instant): Command[] {
  const { template } = task.spec;
  if (!template) return complete(task, step, at);
  return [tellFinalizer({ type: "expand", ...keyOf(step), output, template })];
}

/** The object of this name in a result, or, as the end of a sentence, what is wrong with it. */
export function outcomeIn(output: string, name: string): { readonly [field: string]: Json } | string {
  const result: Json = output === "" ? null : JSON.parse(output);
  const outcome = isJsonObject(result) ? result[name] : undefined;
  return isJsonObject(outcome) ? outcome : `it has no object "${name}"`;
}
