import { exactJsonText } from "#domain/json/exact";
import type { JsonObject } from "#domain/json/json";
import type { TemplateBody, TemplateSignal } from "#domain/template/template";
import type { Verdict } from "#domain/template/verdict";
import { limits } from "#limits/index";
import type { Schemas } from "#ports/schemas";
import type { Finding } from "#templates/read/finding";
import { type PlacedReading, readPlaced, type TemplateReading } from "#templates/read/read";

/**
 * Reads and checks a template's text, including its JSON Schemas, which the template reader does not check.
 *
 * @throws {Fault} as {@link Schemas.judge} does
 */
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
  const until = performance.now() + limits.schemaChecksOfTemplate;
  for (const { key, stepName, schema, signal } of all) {
    if (!schema) continue;
    const verdict = performance.now() > until ? tooManyOfThem : await verdictOn(schema, signal, schemas);
    if (verdict.type === "fits") continue;
    if (verdict.type === "misfit") {
      if (signal?.default === undefined) continue;
      const message = `steps.${stepName}.signal.default does not fit result_schema: ${verdict.text}`;
      const place = placeOf(signal, "default");
      found.push({ code: "BAD_DEFAULT", severity: "error", message, stepName, ...place });
      continue;
    }
    const code = verdict.type === "limit" ? "SCHEMA_LIMIT" : "BAD_SCHEMA";
    const message = `${key}: ${verdict.text}`;
    found.push({ code, severity: "error", message, stepName, line: 0, column: 0 });
    if (verdict === tooManyOfThem) break;
  }
  return found;
}

const tooManyOfThem: Verdict = {
  type: "limit",
  text: `the schemas up to here take longer than ${limits.schemaChecksOfTemplate} ms to check: simplify them`,
};

/** Judges the signal's default, or null if it has none. Either way the verdict shows whether the schema is valid. */
function verdictOn(
  schema: JsonObject,
  signal: TemplateSignal | undefined,
  schemas: Schemas,
): Verdict | Promise<Verdict> {
  const json = exactJsonText(signal?.default ?? null);
  return schemas.known(schema, json) ?? schemas.judge(schema, json);
}
