import type { StepType, TemplateBody, TemplateStep } from "#domain/template/template";
import { limits } from "#limits/index";
import { agentless, partsOfTypes } from "../format/step-parts.js";
import { type FindingCode, type Findings, shown } from "../read/finding.js";
import type { Reader } from "../read/reader.js";
import { checkAgentless } from "./agentless.js";
import { checkBatchOverrides } from "./batches.js";
import { checkGraph } from "./graph.js";
import { checkInputs } from "./inputs.js";
import { nearMiss } from "./near.js";
import { checkPaths } from "./paths.js";
import { type Subject, subjectOf } from "./subject.js";
import { checkTypes } from "./types.js";

/** Checks everything that the format alone cannot express. Returns true if steps depend on one another in a cycle. */
export function checkRules(body: TemplateBody, reader: Reader, findings: Findings): boolean {
  const subject = subjectOf(body, reader, findings);
  const tooLarge = sizeProblem(subject);
  if (tooLarge) {
    findings.add(...tooLarge, reader.offsetOf(body, "steps"));
    return false; // the other rules would take long, and the template must be changed anyway
  }

  if (body.steps?.every(({ name }) => name !== undefined && subject.compensating.has(name))) {
    findings.add("NO_STEPS", "a template needs a step that runs", reader.offsetOf(body, "steps"));
  }
  checkNames(subject);
  const hasCycles = checkGraph(subject);
  for (const step of subject.steps) checkParts(step, subject);
  checkTypes(subject);
  checkAgentless(body, subject, reader, findings);
  checkCompensations(subject);
  checkPaths(subject);
  checkInputs(body, subject, reader, findings);
  checkOverrides(body, subject, reader, findings);
  checkBatchOverrides(body, subject, reader, findings);
  checkSchemas(body, subject, reader, findings);
  return hasCycles;
}

function sizeProblem({ steps }: Subject): [FindingCode, string] | undefined {
  if (steps.length > limits.taskSteps) {
    return ["TOO_MANY_STEPS", `there are ${steps.length} steps; a Task has at most ${limits.taskSteps}`];
  }
  const edges = steps.reduce((sum, { dependencies = [] }) => sum + dependencies.length, 0);
  return edges > limits.taskEdges
    ? ["TOO_MANY_EDGES", `there are ${edges} dependencies; a Task has at most ${limits.taskEdges}`]
    : undefined;
}

function checkNames({ steps, byName, say }: Subject): void {
  for (const step of steps) {
    if (byName.get(step.name) === step) continue;
    say("DUPLICATE_STEP_NAME", `another step is named ${shown(step.name)} too: rename one`, step, "name");
  }
  // Members are named `{step}_{id}`, so each prefix of a name that ends before "_" may be a batch worker or a map. The
  // id of a map's is an index, or the first and the last of a segment.
  for (const step of steps) {
    const { name } = step;
    for (let at = name.indexOf("_"); at >= 0; at = name.indexOf("_", at + 1)) {
      const { type, name: maker } = byName.get(name.slice(0, at)) ?? {};
      const clashes =
        type === "batch_worker" || (type === "map" && /^[0-9]{3,}(-[0-9]{3,})?$/.test(name.slice(at + 1)));
      if (!clashes) continue;
      say(
        "NAME_CLASH",
        `members of ${maker} are named ${maker}_ and more, so none may be ${shown(name)}`,
        step,
        "name",
      );
    }
  }
}

/** Checks that a step has the keys its type requires, and none that belong to another type. */
function checkParts(step: TemplateStep, { say, has }: Subject): void {
  const { name, handler } = step;
  const type: StepType = step.type ?? "standard";
  // An unreadable type is reported already, and what the step requires is unknown.
  if (step.type === undefined && (has(step, "type") || has(step, "step_type"))) return;

  for (const [part, owner] of Object.entries(partsOfTypes)) {
    const owners: readonly StepType[] = owner.types;
    const belongs = owners.includes(type);
    if (belongs && owner.required && !has(step, part)) {
      say("MISSING_PART", `${name} is of type ${type} and needs ${part}`, step);
    } else if (!belongs && has(step, part)) {
      const types = owners.join(" or ");
      say("MISPLACED_PART", `${part} belongs to steps of type ${types}; ${name} is ${type}`, step, part);
    }
  }
  if (agentless.has(type)) {
    if (handler)
      say(
        "MISPLACED_PART",
        `no agent has a part in a step of type ${type}: take handler out`,
        step,
        "handler",
      );
  } else if (!has(step, "handler")) {
    say("EMPTY_CALLABLE", `${name} needs an agent: name it in handler.callable`, step);
  }
}

function checkCompensations({ steps, byName, compensating, dependants, say }: Subject): void {
  for (const step of steps) {
    const { name, compensate, dependencies = [], type = "standard" } = step;
    if (compensate !== undefined && !byName.has(compensate)) {
      const near = nearMiss(compensate, byName.keys());
      say(
        "MISSING_COMPENSATE_REF",
        `there is no step ${shown(compensate)} to compensate ${name}${near}`,
        step,
        "compensate",
      );
    }
    if (!compensating.has(name)) continue;
    const bad = (why: string, key?: string) =>
      say("BAD_COMPENSATION", `${name} compensates another step: ${why}`, step, key);
    if (compensate !== undefined) bad("nothing can compensate it in turn", "compensate");
    if (dependencies.length > 0) bad("it can depend on nothing", "dependencies");
    if (dependants.has(name)) bad(`${dependants.get(name)?.[0]} cannot depend on it`, "name");
    if (type !== "standard") bad(`it must be of type standard, not ${type}`, "type");
  }
}

function checkOverrides(body: TemplateBody, { byName }: Subject, reader: Reader, findings: Findings): void {
  for (const [environment, { steps = [] }] of Object.entries(body.environments ?? {})) {
    for (const override of steps) {
      const { name } = override;
      if (name === undefined || name === "ALL" || byName.has(name)) continue;
      const near = nearMiss(name, ["ALL", ...byName.keys()]);
      const message = `${environment} overrides the step ${shown(name)}, which is not there${near}`;
      findings.add("MISSING_OVERRIDE_REF", message, reader.offsetOf(override, "name"), name);
    }
  }
}

/** Types whose result has a given shape or is not used; they need no `result_schema`. */
const shapedByType: ReadonlySet<StepType> = new Set<StepType>(["decision", "batchable", "timer"]);

function checkSchemas(
  body: TemplateBody,
  { steps, compensating, say }: Subject,
  reader: Reader,
  findings: Findings,
): void {
  const { type } = body.input_schema ?? {};
  if (typeof type === "string" && type !== "object") {
    const message = `the input of a Task is an object, so input_schema cannot be of type ${shown(type)}`;
    findings.add("SCHEMA_NOT_OBJECT", message, reader.offsetOf(body, "input_schema"));
  }
  for (const step of steps) {
    const { name, type: stepType = "standard" } = step;
    if (step.result_schema || shapedByType.has(stepType) || compensating.has(name)) continue;
    say("NO_RESULT_SCHEMA", `${name} does not say what its result looks like`, step);
  }
}
