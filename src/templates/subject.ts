import type { TemplateBody, TemplateStep } from "#domain/template";
import type { FindingCode, Findings } from "./finding.js";
import type { Reader } from "./reader.js";

/** What the rules look at: a body that may lack what could not be read, and where its parts stand. */
export interface Subject {
  /** Those with a name, in the order of the text. */
  readonly steps: readonly TemplateStep[];
  /** Of steps with the same name the first. */
  readonly byName: ReadonlyMap<string, TemplateStep>;
  /** Steps that run only to undo another. */
  readonly undoing: ReadonlySet<string>;
  /** The names of the steps that depend on each. */
  readonly dependants: ReadonlyMap<string, readonly string[]>;
  /** Reports something of a step: at its key if one is given, and at one name in the key's list. */
  say(code: FindingCode, message: string, step: TemplateStep, key?: string, item?: string): void;
  /** True if the text has the key, although perhaps nothing could be made of its value. */
  has(object: object, key: string): boolean;
}

export function subjectOf(body: TemplateBody, reader: Reader, findings: Findings): Subject {
  // A step whose name could not be read is reported as such, and nothing else can be said of it.
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
    undoing: new Set(steps.flatMap(({ compensate }) => compensate ?? [])),
    say(code, message, step, key, item) {
      findings.add(code, message, reader.offsetOf(step, key, item), step.name);
    },
    has: (object, key) => reader.has(object, key),
  };
}
