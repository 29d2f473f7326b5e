import { resolve } from "node:path";
import { type TaskRunClient, TaskRunError } from "#client/index";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { TaskRunOptions } from "./options.js";
import { shown } from "./values.js";

/** Templates to be registered at a start: those of a folder, or texts. */
export interface Templates {
  /** Absolute path. */
  readonly folder?: string;
  readonly sources: readonly string[];
}

/**
 * Reads the option `templates`. Whether a text is a template is not checked here.
 *
 * @throws {TypeError} naming what is none
 */
export function templatesOf(given: TaskRunOptions["templates"] = []): Templates {
  if (typeof given === "string") {
    if (given === "")
      throw new TypeError("templates is empty: send the path of a folder, or a list of templates.");
    if (!isText(given)) return { folder: resolve(given), sources: [] };
    throw new TypeError("templates is the text of a template: put it into a list, as in templates: [text].");
  }
  if (!Array.isArray(given)) {
    throw new TypeError(`templates is ${shown(given)}: send the path of a folder, or a list of templates.`);
  }
  return { sources: given.map((each, i) => sourceOf(each, `templates[${i}]`)) };
}

/** A path has no line breaks, and does not begin like JSON. */
function isText(given: string): boolean {
  return given.includes("\n") || given.trimStart().startsWith("{");
}

function sourceOf(given: unknown, where: string): string {
  if (typeof given === "string" && isText(given)) return given;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const advice =
      "send a template as text or as an object, or a workflow; a folder is given as templates: PATH.";
    throw new TypeError(`${where} is ${shown(given)}: ${advice}`);
  }
  const { source, body } = given as { readonly source?: unknown; readonly body?: unknown };
  if (typeof source === "string" && typeof body === "object") return source;
  try {
    return JSON.stringify(given);
  } catch (cause) {
    throw new TypeError(`${where} cannot be written as JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Registers the texts, in their order; one that is registered already changes nothing.
 *
 * @param nameOf how messages call the text with this index
 * @throws {TaskRunError} naming the one that is refused, and why
 */
export async function registerAll(
  sources: readonly string[],
  { templates }: TaskRunClient,
  log: Log,
  nameOf = (index: number) => `templates[${index}]`,
): Promise<void> {
  for (const [i, source] of sources.entries()) {
    const where = nameOf(i);
    try {
      const { template, findings } = await templates.register(source);
      const warnings = findings.filter(({ severity }) => severity === "warning");
      for (const { message, line } of warnings.slice(0, limits.findingsLogged)) {
        log.warn(`${where}: ${message}`, { template: template.name, version: template.version, line });
      }
    } catch (error) {
      if (!(error instanceof TaskRunError)) throw error;
      const { code, message, reason, violations, metadata } = error;
      throw new TaskRunError(code, `${where}: ${message}`, { reason, violations, metadata, cause: error });
    }
  }
}
