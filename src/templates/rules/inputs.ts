import { type MappedPart, readMapping } from "#domain/graph/input-mapping";
import { sourceInWords } from "#domain/graph/mapped-input";
import { pointerOf } from "#domain/graph/pointer";
import { isJsonObject, type JsonObject } from "#domain/json/json";
import type { StepType, TemplateBody, TemplateStep } from "#domain/template/template";
import { limits } from "#limits/index";
import { type FindingCode, type Findings, shown } from "../read/finding.js";
import type { Reader } from "../read/reader.js";
import { nearMiss } from "./near.js";
import { mayLieAt } from "./schema-path.js";
import type { Subject } from "./subject.js";

/** Reports a finding at a name of a step's input. */
type Say = (code: FindingCode, message: string, name?: string) => void;

/** Step types that are given no input. */
const withoutInput: ReadonlySet<StepType> = new Set<StepType>(["timer", "signal"]);

/**
 * Checks that the parts of mapped inputs are read from the Task's input or from steps that come before, and that the schemas
 * of these do not rule out what is read.
 */
export function checkInputs(body: TemplateBody, subject: Subject, reader: Reader, findings: Findings): void {
  for (const step of subject.steps) {
    const { input } = step;
    if (!isJsonObject(input)) continue;
    const say: Say = (code, message, name) =>
      findings.add(code, `${step.name}: ${message}`, reader.offsetOf(input, name), step.name);
    checkInput(step, input, body, subject, say);
  }
}

function checkInput(
  step: TemplateStep,
  input: JsonObject,
  body: TemplateBody,
  subject: Subject,
  say: Say,
): void {
  const { type = "standard", child } = step;
  if (withoutInput.has(type)) {
    say("MISPLACED_PART", `input belongs to steps that have an agent or a child; a ${type} is given none`);
    return;
  }
  if (child?.input !== undefined)
    say("BAD_INPUT", "input and child.input both say what the child is given: leave one out");
  checkNames(step, input, subject, say);

  const { mapping, problems } = readMapping(input);
  for (const { message, name } of problems) say("BAD_INPUT", message, name);
  const { parts } = mapping;
  if (parts.length > limits.mappedParts) {
    say(
      "BAD_INPUT",
      `input reads ${parts.length} parts of the Task's data; ${limits.mappedParts} are the most: read larger ones`,
    );
    return;
  }
  for (const part of parts) {
    const problem = sourceProblem(part, step, subject);
    if (problem !== undefined) say("BAD_INPUT", `${part.place} ${problem}`, nameOf(part));
    else checkSchema(part, schemaOf(part, step, body, subject), say);
  }
}

/** The name in the mapping that a place begins with. */
function nameOf({ place }: MappedPart): string {
  return /^input\.([^.[]*)/.exec(place)?.[1] ?? "";
}

/** Names that the plane adds to an agent's input, and that would so replace a member of the mapping. */
function addedNames({ type, name }: TemplateStep, { compensating }: Subject): readonly string[] {
  const added = type === "map" ? ["item", "index"] : type === "batch_worker" ? ["batch"] : [];
  return type === "child_task"
    ? []
    : [...added, ...(compensating.has(name) ? ["compensate"] : []), "checkpoint"];
}

function checkNames(step: TemplateStep, input: JsonObject, subject: Subject, say: Say): void {
  for (const name of addedNames(step, subject)) {
    if (!Object.hasOwn(input, name)) continue;
    say(
      "BAD_INPUT",
      `input.${name} would be replaced by the ${name} that is added to the agent's input: take another name`,
      name,
    );
  }
}

/** Why a part cannot be read from what it names, as the end of a sentence; undefined if it can. */
function sourceProblem(
  { source, stepName }: MappedPart,
  { name, type, dependencies = [] }: TemplateStep,
  { byName, compensating }: Subject,
): string | undefined {
  if (source !== "result") {
    if (dependencies.includes(source)) {
      return `is read from ${source}, which is also the name of a step that ${name} depends on: rename that step`;
    }
    if (source === "input" || type === "map") return undefined;
    return `is read from ${source}, which only the members of a map have; ${name} is ${type ?? "standard"}`;
  }
  if (compensating.has(name)) {
    return `is read from the step ${shown(stepName)}, and a compensation runs in a Task of its own: read it from input`;
  }
  const found = byName.get(stepName);
  if (!found) {
    const near = nearMiss(stepName, ["input", ...dependencies]);
    return `is read from ${shown(stepName)}, which is not there${near}`;
  }
  if (!dependencies.includes(stepName)) {
    return `is read from the result of ${shown(stepName)}, on which ${name} does not depend: add that to dependencies`;
  }
  if (found.type === "batch_worker") {
    return `is read from the result of ${stepName}, which has one for each batch: join them first`;
  }
  return found.type === "timer" ? `is read from ${stepName}, a timer, which has no result` : undefined;
}

/** The schema of what a part is read from; undefined if none is known. */
function schemaOf(
  { source, stepName }: MappedPart,
  step: TemplateStep,
  { input_schema }: TemplateBody,
  { byName }: Subject,
): JsonObject | undefined {
  if (source === "input") return input_schema;
  if (source === "index") return { type: "integer" };
  if (source === "item") return itemSchema(step, input_schema, byName);
  const { type, result_schema } = byName.get(stepName) ?? {};
  if (type === "decision" || type === "batchable") return undefined;
  return type === "map" && result_schema ? { type: "array", items: orNull(result_schema) } : result_schema;
}

/** A member of a map whose failure was tolerated has the result null. */
function orNull(schema: JsonObject): JsonObject {
  return { anyOf: [schema, { type: "null" }] };
}

/** Only of a list that is a plain property: anything else is left to the run. */
function itemSchema(
  { map }: TemplateStep,
  inputSchema: JsonObject | undefined,
  byName: Subject["byName"],
): JsonObject | undefined {
  const [root, ...parts] = map?.over?.split("/") ?? [];
  const [stepName = "", ...rest] = parts;
  const isInput = root === "input";
  let at: unknown = isInput ? inputSchema : byName.get(stepName)?.result_schema;
  if (!isInput && byName.get(stepName)?.type === "map") return undefined;
  for (const part of isInput ? parts : rest) {
    const properties = isJsonObject(at) ? at.properties : undefined;
    at = isJsonObject(properties) && Object.hasOwn(properties, part) ? properties[part] : undefined;
  }
  const items = isJsonObject(at) ? at.items : undefined;
  // A reference would have to be read in the schema that it stands in.
  return isJsonObject(items) && !JSON.stringify(items).includes('"$ref"') ? items : undefined;
}

function checkSchema(part: MappedPart, schema: JsonObject | undefined, say: Say): void {
  if (!schema) return;
  const { place, parts } = part;
  const lies = mayLieAt(schema, parts);
  if (lies.verdict === "declared" || lies.verdict === "open") return;
  const at = `${place} is read from ${sourceInWords(part)} at ${shown(pointerOf(parts))}`;
  const near = nearMiss(lies.name, lies.names);
  if (lies.verdict === "cannot") {
    say("BAD_INPUT", `${at}, where its schema allows no ${shown(lies.name)}${near}`, nameOf(part));
  } else {
    say("UNDECLARED_PATH", `${at}, and its schema does not mention ${shown(lies.name)}${near}`, nameOf(part));
  }
}
