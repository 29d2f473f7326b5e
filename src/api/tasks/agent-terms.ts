import { Fault } from "#domain/fault";
import type { Plan } from "#domain/graph/plan";
import type { JsonObject } from "#domain/json/json";
import { nearest } from "#domain/nearest";
import { misfitOf, type SchemaProblem, schemaReason } from "#domain/template/verdict";
import { clip } from "#domain/text/text";
import type { Announcement, KnownAgent } from "#domain/worker/agent";
import { limits } from "#limits/index";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";

/** What of the plane is asked about agents. */
type Agents = Pick<Plane, "agent" | "agentNames">;

/** Names that are suggested for one that is not known. */
const NEAR_NAMES = 3;

/** What came of checking the input of a new Task: nothing, if it fits. */
export interface InputCheck {
  /** Why no Task is to be made with it. */
  readonly refusal?: Fault;
  readonly warnings?: readonly string[];
}

/**
 * Checks the input of a Task that names an agent by what its workers announce. While all that are connected announce the
 * same, an input that does not fit is refused; otherwise it is a warning, since the worker that gets the Run decides.
 *
 * @returns undefined at once if there is nothing to check
 */
export function checkAgentInput(
  { name, row, current }: KnownAgent,
  json: string,
  schemas: Schemas,
): Promise<InputCheck | undefined> | undefined {
  const [only, second] = current;
  if (only && !second) {
    return only.announced.inputSchema === "" ? undefined : enforce(name, only.announced, json, schemas);
  }
  const all = only ? current.map(({ announced }) => announced) : row ? [row.announced] : [];
  const compared = all.filter(({ inputSchema }) => inputSchema !== "").slice(0, limits.agentSchemasCompared);
  if (compared.length === 0) return undefined;
  return compare(compared, only ? someOf(name, current.length) : lastOf(name), json, schemas);
}

async function enforce(
  name: string,
  announced: Announcement,
  json: string,
  schemas: Schemas,
): Promise<InputCheck | undefined> {
  const problem = await problemOf(announced, json, schemas);
  if (!problem) return undefined;
  const field = "input_json";
  const message = misfitOf(field, `the schema that the workers of agent "${name}" announce`, problem);
  // A schema that is none says nothing about the input.
  if (problem.type === "invalid") return { warnings: [clipped(message)] };
  const reason = schemaReason(problem) ?? "INPUT_SCHEMA";
  return { refusal: new Fault("invalid", message, { field, reason }) };
}

async function compare(
  compared: readonly Announcement[],
  schema: string,
  json: string,
  schemas: Schemas,
): Promise<InputCheck | undefined> {
  for (const announced of compared) {
    const problem = await problemOf(announced, json, schemas);
    if (problem) return { warnings: [clipped(misfitOf("input_json", schema, problem))] };
  }
  return undefined;
}

async function problemOf(
  announced: Announcement,
  json: string,
  schemas: Schemas,
): Promise<SchemaProblem | undefined> {
  const schema = schemaOf(announced);
  const verdict = schemas.known(schema, json) ?? (await schemas.judge(schema, json));
  return verdict.type === "fits" ? undefined : verdict;
}

function someOf(name: string, count: number): string {
  return `one of the ${count} schemas that workers of agent "${name}" announce`;
}

function lastOf(name: string): string {
  return `the schema that agent "${name}" announced last; no worker of it is connected`;
}

/** Parsed once for each announcement, so that compiled schemas are found by their object. */
const parsed = new WeakMap<Announcement, JsonObject>();

function schemaOf(announced: Announcement): JsonObject {
  const known = parsed.get(announced);
  if (known) return known;
  const schema: JsonObject = JSON.parse(announced.inputSchema);
  parsed.set(announced, schema);
  return schema;
}

/** A warning for each agent of the Task that no worker has ever announced, with names that are near. */
export function unknownAgents(
  names: readonly string[],
  namespace: string,
  agents: Agents,
): readonly string[] {
  const unknown = names.filter((name) => agents.agent(namespace, name) === undefined);
  if (unknown.length === 0) return [];
  const shown = unknown.slice(0, limits.taskWarnings).map((name) => unknownAgent(name, namespace, agents));
  const more = unknown.length - shown.length;
  return more === 0
    ? shown
    : [...shown.slice(0, -1), `${more + 1} more agents were not known to any worker.`];
}

/** Names of announced agents that are like one that nobody has announced; empty if somebody has. */
export function nearAgents(name: string, namespace: string, agents: Agents): readonly string[] {
  if (agents.agent(namespace, name) !== undefined) return [];
  return nearNames(name, new Set(agents.agentNames(namespace)));
}

function unknownAgent(name: string, namespace: string, agents: Agents): string {
  const near = nearNames(name, new Set(agents.agentNames(namespace)));
  const hint =
    near.length === 0 ? "" : ` Names that are near: ${near.map((each) => `"${each}"`).join(", ")}.`;
  return clipped(
    `When this Task was created, no worker had ever announced an agent "${name}" in namespace "${namespace}": it waits for one.${hint}`,
  );
}

function nearNames(name: string, names: Set<string>): string[] {
  const near: string[] = [];
  for (let found = nearest(name, names); found !== undefined; found = nearest(name, names)) {
    names.delete(found);
    near.push(found);
    if (near.length === NEAR_NAMES) break;
  }
  return near;
}

function clipped(text: string): string {
  return clip(text, limits.taskWarningBytes);
}

const agentsOfPlans = new WeakMap<Plan, readonly string[]>();

/** The agents that a plan names, its compensating steps and children included, each once. */
export function agentsOf(plan: Plan): readonly string[] {
  const known = agentsOfPlans.get(plan);
  if (known) return known;
  const named = plan.steps.flatMap(({ agentName, spec: { compensation, child } }) => [
    agentName,
    compensation?.agentName ?? "",
    child?.agentName ?? "",
  ]);
  const names = [...new Set(named)].filter((name) => name !== "");
  agentsOfPlans.set(plan, names);
  return names;
}
