import type { TemplateBody, TemplateRef } from "#domain/template/template";
import type { Typed } from "#domain/typed";
import type { Finding } from "../read/finding.js";

/**
 * A template written in code. Register its `source`; then it names itself as the `template` of Tasks and children.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 * import { type InputOf, type ResultOf, type Workflow, workflow } from "taskrun/templates";
 *
 * async function runOf<Made extends Workflow<unknown, unknown>>(made: Made, input: InputOf<Made>) {
 *   const { templates, tasks } = createClient();
 *   await templates.register(made.source);
 *   return tasks.run<ResultOf<Made>>({ template: made, input });
 * }
 *
 * await runOf(workflow("hello", (w) => w.step("greet", { agent: "greet" })), { name: "Ada" });
 * ```
 */
export interface Workflow<Input, Result> extends TemplateRef, Typed<Input, Result> {
  readonly body: TemplateBody;
  /** The template as JSON text, to be registered. */
  readonly source: string;
  /** SHA-256 of the canonical body; equal to that of a YAML text with the same content. */
  readonly digest: string;
  /** Warnings and infos. */
  readonly findings: readonly Finding[];
}

/** The input type of a workflow's Tasks. */
export type InputOf<Made> = Made extends Workflow<infer Input, unknown> ? Input : never;
/** The result type of a workflow's Tasks. */
export type ResultOf<Made> = Made extends Workflow<unknown, infer Result> ? Result : never;
