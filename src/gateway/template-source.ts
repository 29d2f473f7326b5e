import { setImmediate as others } from "node:timers/promises";
import { Fault } from "#domain/fault";
import type { Json, JsonObject } from "#domain/json";
import { limits } from "#domain/limits";
import type { TemplateBody } from "#domain/template";
import type { Schemas } from "#ports/schemas";
import type { Finding } from "#templates/finding";
import { type PlacedReading, readPlaced, type TemplateReading } from "#templates/read";

export type { Finding as ReadFinding } from "#templates/finding";

/** A schema takes about a millisecond to compile; after so many others have their turn. */
const SCHEMAS_AT_ONCE = 16;

/** What is to be said of a template's text, its schemas included: those the reader takes as they are. */
export async function readWhole(source: string, schemas: Schemas): Promise<TemplateReading> {
  const { reading, placeOf } = readPlaced(source);
  if (!reading.template) return reading;
  const wrong = await schemaFindings(reading.template.body, schemas, placeOf);
  if (wrong.length === 0) return reading;

  const { stepCount, hasCycles } = reading;
  const findings = [...wrong, ...reading.findings].slice(0, limits.templateFindings);
  return { findings, stepCount, hasCycles };
}

async function schemaFindings(
  body: TemplateBody,
  schemas: Schemas,
  placeOf: PlacedReading["placeOf"],
): Promise<Finding[]> {
  const all = [
    { key: "input_schema", stepName: "", schema: body.input_schema, signal: undefined },
    ...body.steps.map(({ name, result_schema, signal }) => {
      return { key: "result_schema", stepName: name, schema: result_schema, signal };
    }),
  ];
  const found: Finding[] = [];
  let compiled = 0;
  for (const { key, stepName, schema, signal } of all) {
    if (!schema) continue;
    const { flaw, misfit } = problemsOf(schema, signal?.default, schemas);
    if (flaw !== undefined) {
      const message = `${key}: ${flaw}`;
      found.push({ code: "BAD_SCHEMA", severity: "error", message, stepName, line: 0, column: 0 });
    }
    if (signal && misfit !== undefined) {
      const message = `steps.${stepName}.signal.default does not fit result_schema: ${misfit}`;
      const place = placeOf(signal, "default");
      found.push({ code: "BAD_DEFAULT", severity: "error", message, stepName, ...place });
    }
    compiled += 1;
    if (compiled % SCHEMAS_AT_ONCE === 0) await others();
  }
  return found;
}

/** What is wrong with a schema, or else with the value that should fit it, if there is one. */
function problemsOf(
  schema: JsonObject,
  value: Json | undefined,
  schemas: Schemas,
): { readonly flaw?: string; readonly misfit?: string | undefined } {
  try {
    const problem = schemas.problemOf(schema, value ?? null);
    return value === undefined ? {} : { misfit: problem };
  } catch (error) {
    if (error instanceof Fault) return { flaw: error.message };
    throw error;
  }
}
