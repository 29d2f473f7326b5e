import { LineCounter } from "yaml";
import type { TemplateBody } from "#domain/template";
import { digestOf } from "./digest.js";
import { type Finding, Findings } from "./finding.js";
import { format } from "./format.js";
import { Reader } from "./reader.js";
import { checkRules } from "./rules.js";
import { readSource } from "./source.js";

/** What was made of a text. */
export interface TemplateReading {
  /** Absent if any finding is an error. */
  readonly template?: {
    readonly body: TemplateBody;
    /** The text, as it was given. */
    readonly source: string;
    /** SHA-256 of the canonical body, in hexadecimal. */
    readonly digest: string;
  };
  /** Errors first, then warnings, then remarks, each in the order of the text; bounded in number. */
  readonly findings: readonly Finding[];
  /** Those that only undo others included. */
  readonly stepCount: number;
  /** True if steps wait for one another in a circle. */
  readonly hasCycles: boolean;
}

/**
 * Reads a template: YAML or JSON text of at most 1 MiB, one document. Never throws: what is wrong, and all of it
 * that can be told at once, is among the findings.
 */
export function readTemplate(source: string): TemplateReading {
  return readPlaced(source).reading;
}

/** A reading, and the way back from the objects of its body to where the values of their keys stand. */
export interface PlacedReading {
  readonly reading: TemplateReading;
  placeOf(object: object, key: string): Pick<Finding, "line" | "column">;
}

/** The same as {@link readTemplate}, for those who find more in the body than it does. */
export function readPlaced(source: string): PlacedReading {
  const findings = new Findings();
  const lines = new LineCounter();
  const part = readSource(source, lines, findings);
  const reader = new Reader(findings);
  // The shape of the format is that of the type; where the text has another, that is an error.
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
