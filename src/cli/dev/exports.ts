import { pathToFileURL } from "node:url";
import type { Agent } from "#worker/index";
import type { ExportedWorkflow } from "./messages.js";

/** What the modules of `dev` export. */
export interface Exported {
  readonly agents: readonly Agent[];
  readonly workflows: readonly ExportedWorkflow[];
}

/** A problem with what the modules export; its message says it all. */
export class ExportError extends Error {
  override readonly name = "ExportError";
}

/**
 * Imports the modules and collects the agents and workflows that they export, singly or in lists; each once, also if it is
 * exported again.
 *
 * @throws {ExportError} if there are none, or two of one name
 * @throws whatever a module throws
 */
export async function importAll(paths: readonly string[]): Promise<Exported> {
  const values = new Set<unknown>();
  for (const path of paths) {
    const module: Record<string, unknown> = await import(pathToFileURL(path).href);
    for (const value of exportedBy(module)) values.add(value);
  }
  const agents = [...values].filter(isAgent);
  const workflows = [...values].filter(isWorkflow);
  if (agents.length + workflows.length === 0) {
    const how =
      'make one with agent() from "taskrun/worker" or workflow() from "taskrun/templates", and export it';
    throw new ExportError(`no agent and no workflow is exported: ${how}`);
  }
  refuseTwice(
    "agents",
    agents.map(({ name }) => name),
  );
  refuseTwice(
    "workflows",
    workflows.map(({ namespace, name, version }) => `${namespace}/${name}@${version}`),
  );
  const plain = workflows.map(({ namespace, name, version, source }) => ({
    namespace,
    name,
    version,
    source,
  }));
  return { agents, workflows: plain };
}

/**
 * What a module exports, and what is in a plain object that it exports as its default. Of a CommonJS module that object is
 * all there is: Node finds the names of its parts only where they are written in some ways.
 */
function exportedBy(module: Readonly<Record<string, unknown>>): unknown[] {
  const { default: whole } = module;
  const isPlain = typeof whole === "object" && whole !== null && !isAgent(whole) && !isWorkflow(whole);
  return [...Object.values(module), ...(isPlain ? Object.values(whole) : [])].flat();
}

function refuseTwice(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ExportError(`there are two ${what} called ${twice}; rename one of them`);
}

/** What `agent()` and `execAgent()` return. */
export function isAgent(value: unknown): value is Agent {
  return hasTexts(value, ["name"]) && "perform" in value && typeof value.perform === "function";
}

/** What `workflow()` returns. */
function isWorkflow(value: unknown): value is ExportedWorkflow {
  return hasTexts(value, ["namespace", "name", "version", "source", "digest"]) && "body" in value;
}

function hasTexts(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === "string");
}
