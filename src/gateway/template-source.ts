import { setImmediate as others } from "node:timers/promises";
import { Fault } from "#domain/fault";
import type { JsonObject } from "#domain/json";
import { limits } from "#domain/limits";
import type { TemplateBody } from "#domain/template";
import type { Schemas } from "#ports/schemas";
import { readTemplate, type TemplateReading } from "#templates/read";

/** Something to know about a template; the codes are those of its reader, and one of the schemas'. */
export interface ReadFinding {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly stepName: string;
  readonly line: number;
  readonly column: number;
}

/** A schema takes about a millisecond to compile; after so many others have their turn. */
const SCHEMAS_AT_ONCE = 16;

/** What is to be said of a template's text, its schemas included: those the reader takes as they are. */
export async function readWhole(
  source: string,
  schemas: Schemas,
): Promise<Omit<TemplateReading, "findings"> & { readonly findings: readonly ReadFinding[] }> {
  const reading = readTemplate(source);
  if (!reading.template) return reading;
  const wrong = await schemaFindings(reading.template.body, schemas);
  if (wrong.length === 0) return reading;

  const { stepCount, hasCycles } = reading;
  const findings = [...wrong, ...reading.findings].slice(0, limits.templateFindings);
  return { findings, stepCount, hasCycles };
}

async function schemaFindings(body: TemplateBody, schemas: Schemas): Promise<ReadFinding[]> {
  const all = [
    { key: "input_schema", stepName: "", schema: body.input_schema },
    ...body.steps.map(({ name, result_schema }) => {
      return { key: "result_schema", stepName: name, schema: result_schema };
    }),
  ];
  const found: ReadFinding[] = [];
  let compiled = 0;
  for (const { key, stepName, schema } of all) {
    if (!schema) continue;
    const problem = schemaProblem(schema, schemas);
    if (problem !== undefined) {
      const message = `${key}: ${problem}`;
      found.push({ code: "BAD_SCHEMA", severity: "error", message, stepName, line: 0, column: 0 });
    }
    compiled += 1;
    if (compiled % SCHEMAS_AT_ONCE === 0) await others();
  }
  return found;
}

function schemaProblem(schema: JsonObject, schemas: Schemas): string | undefined {
  try {
    schemas.problemOf(schema, null);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}
