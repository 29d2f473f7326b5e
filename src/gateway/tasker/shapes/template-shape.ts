import { planDefaults } from "#domain/graph/plan-defaults";
import { exactJsonText } from "#domain/json/exact";
import type { Json } from "#domain/json/json";
import type { TemplateRow, TemplateStep } from "#domain/template/template";

/** A template in a list. */
export interface TemplateSummaryShape {
  readonly name: string;
  readonly namespace: string;
  readonly version: string;
  /** Empty if it has none. */
  readonly description: string;
  readonly stepCount: number;
}

export interface NamespaceShape {
  readonly name: string;
  readonly templateCount: number;
}

/** Templates, and the namespaces that they are in. */
export interface TemplateListShape {
  readonly namespaces: readonly NamespaceShape[];
  readonly templates: readonly TemplateSummaryShape[];
}

export interface StepDefinitionShape {
  readonly name: string;
  readonly description: string;
  readonly defaultRetryable: boolean;
  readonly defaultMaxAttempts: number;
  /** The agent; empty if it needs none. */
  readonly handler: string;
}

export interface TemplateShape extends TemplateSummaryShape {
  /** The whole template as JSON text. */
  readonly configuration: string;
  readonly steps: readonly StepDefinitionShape[];
}

/** @param rows templates, those of a namespace together */
export function templateListShape(rows: readonly TemplateRow[]): TemplateListShape {
  const counts = new Map<string, number>();
  for (const { namespace } of rows) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  return {
    namespaces: [...counts].map(([name, templateCount]) => ({ name, templateCount })),
    templates: rows.map(summaryOf),
  };
}

export function templateShape(row: TemplateRow): TemplateShape {
  return {
    ...summaryOf(row),
    configuration: exactJsonText(row.body as unknown as Json),
    steps: row.body.steps.map(definitionOf),
  };
}

function summaryOf({ name, namespace, version, body }: TemplateRow): TemplateSummaryShape {
  const { description = "", steps } = body;
  return { name, namespace, version, description, stepCount: steps.length };
}

function definitionOf({ name, description = "", retry = {}, handler }: TemplateStep): StepDefinitionShape {
  const { retryable = true, max_attempts, limit } = retry;
  const attempts = retryable ? (max_attempts ?? limit ?? planDefaults.maxAttempts) : 1;
  return {
    ...{ name, description },
    defaultRetryable: retryable && attempts > 1,
    defaultMaxAttempts: attempts,
    handler: handler?.callable ?? "",
  };
}
