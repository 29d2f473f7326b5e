import type { TemplateBody, TemplateStep } from "#domain/template/template";
import type { FindingCode, Findings } from "../read/finding.js";
import type { Reader } from "../read/reader.js";

/** The template under check. Its body lacks what could not be read. */
export interface Subject {
  /** The steps that have a name, in the order of the text. */
  readonly steps: readonly TemplateStep[];
  /** Of several steps with the same name, the first. */
  readonly byName: ReadonlyMap<string, TemplateStep>;
  /** Names of the steps that run only to compensate another. */
  readonly compensating: ReadonlySet<string>;
  /** The names of each step's dependants. */
  readonly dependants: ReadonlyMap<string, readonly string[]>;
  /** Adds a finding at the step, at its key if one is given, or at `item` in the key's list. */
  say(code: FindingCode, message: string, step: TemplateStep, key?: string, item?: string): void;
  /** True if the text has the key, even if its value could not be read. */
  has(object: object, key: string): boolean;
}

export function subjectOf(body: TemplateBody, reader: Reader, findings: Findings): Subject {
  // A step without a readable name is reported already and cannot be checked further.
  const steps = (body.steps ?? []).filter(({ name }) => name !== undefined);
  const byName = new Map<string, TemplateStep>();
  const dependants = new Map<string, string[]>();
  for (const step of steps) {
    if (!byName.has(step.name)) byName.set(step.name, step);
    for (const before of new Set(step.dependencies)) {
      const list = dependants.get(before);
      if (list) list.push(step.name);
      else dependants.set(before, [step.name]);
    }
  }
  return {
    steps,
    byName,
    dependants,
    compensating: new Set(steps.flatMap(({ compensate }) => compensate ?? [])),
    say(code, message, step, key, item) {
      findings.add(code, message, reader.offsetOf(step, key, item), step.name);
    },
    has: (object, key) => reader.has(object, key),
  };
}
