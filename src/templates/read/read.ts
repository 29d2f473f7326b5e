import { LineCounter } from "yaml";
import type { TemplateBody } from "#domain/template/template";
import { digestOf } from "../digest.js";
import { format } from "../format/format.js";
import { checkRules } from "../rules/rules.js";
import { type Finding, Findings } from "./finding.js";
import { Reader } from "./reader.js";
import { readSource } from "./source.js";

/**
 * The result of {@link readTemplate}.
 *
 * @example
 * ```ts
 * import type { TemplateReading } from "taskrun/templates";
 *
 * function summaryOf({ template, findings, stepCount }: TemplateReading): string {
 *   if (!template) return `invalid: ${findings[0]?.message}`;
 *   return `${template.body.name} ${template.body.version}, ${stepCount} steps`;
 * }
 * ```
 */
export interface TemplateReading {
  /** Absent if any finding is an error. */
  readonly template?: {
    readonly body: TemplateBody;
    /** The text, unchanged. */
    readonly source: string;
    /** SHA-256 of the canonical body, in hexadecimal. */
    readonly digest: string;
  };
  /** Errors first, then warnings, then infos, each in the order of the text. Bounded in number. */
  readonly findings: readonly Finding[];
  /** Includes compensating steps. */
  readonly stepCount: number;
  /** True if steps depend on one another in a cycle. */
  readonly hasCycles: boolean;
}

/**
 * Reads and checks a template: one YAML or JSON document of at most 1 MiB. Never throws: everything that is wrong is
 * reported as a finding, as much as possible at once.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { readTemplate } from "taskrun/templates";
 *
 * const { template, findings } = readTemplate(await readFile("booking.yaml", "utf8"));
 * for (const { line, severity, message } of findings) console.error(`${line}: ${severity}: ${message}`);
 * if (template) console.log(template.body.steps.map(({ name }) => name));
 * ```
 */
export function readTemplate(source: string): TemplateReading {
  return readPlaced(source).reading;
}

/** A reading that also maps the keys of the body's objects to positions in the text. */
export interface PlacedReading {
  readonly reading: TemplateReading;
  placeOf(object: object, key: string): Pick<Finding, "line" | "column">;
}

/** Like {@link readTemplate}, for callers that add findings of their own. */
export function readPlaced(source: string): PlacedReading {
  const findings = new Findings();
  const lines = new LineCounter();
  const part = readSource(source, lines, findings);
  const reader = new Reader(findings);
  // The format describes the type; a text that deviates from it has an error among its findings.
  const body = part && (reader.readBody(part, format) as TemplateBody | undefined);
  const hasCycles = body !== undefined && checkRules(body, reader, findings);

  const reading = {
    ...(body && !findings.hasErrors && { template: { body, source, digest: digestOf(body) } }),
    findings: findings.report((offset) => lines.linePos(offset)),
    stepCount: body?.steps?.length ?? 0,
    hasCycles,
  };
  return {
    reading,
    placeOf(object, key) {
      const { line, col } = lines.linePos(reader.offsetOf(object, key));
      return { line, column: col };
    },
  };
}
