import type { TemplateBody, TemplateRef } from "#domain/template";
import type { Finding } from "./finding.js";

/** Says to the compiler what Tasks of a workflow take and give; there is nothing of it at run time. */
declare const carried: unique symbol;

/** A template written in code: what it names is registered with `source`, like any other. */
export interface Workflow<Input, Result> extends TemplateRef {
  readonly [carried]?: { readonly input: Input; readonly result: Result };
  readonly body: TemplateBody;
  /** The template as JSON text. */
  readonly source: string;
  /** The same as that of a YAML text that says the same. */
  readonly digest: string;
  /** Warnings and remarks. */
  readonly findings: readonly Finding[];
}

/** What a Task of the workflow takes. */
export type InputOf<Made> = Made extends Workflow<infer Input, unknown> ? Input : never;
/** What a Task of the workflow gives. */
export type ResultOf<Made> = Made extends Workflow<unknown, infer Result> ? Result : never;
