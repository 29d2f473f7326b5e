import { limits } from "#limits/index";

/** Only an error prevents registration. */
export type Severity = "error" | "warning" | "info";

interface CodeRow {
  readonly severity: Severity;
  /** What it means. `docs/templates.md` lists it; a test keeps the two equal. */
  readonly says: string;
}

/**
 * Severity and meaning of every finding, by code. {@link readTemplate} does not check schemas, so `BAD_SCHEMA`,
 * `SCHEMA_LIMIT` and `BAD_DEFAULT` come only from the server and the CLI.
 */
export const findingCodes = {
  SYNTAX: {
    severity: "error",
    says: "The text is no YAML, or uses a tag or merge key that is not understood.",
  },
  TOO_LARGE: { severity: "error", says: "The text, or what its aliases make of it, is too large." },
  TOO_DEEP: { severity: "error", says: "Lists and objects lie too deep within one another." },
  DUPLICATE_KEY: {
    severity: "error",
    says: "A key stands twice in one object, perhaps under its other name.",
  },
  UNKNOWN_KEY: { severity: "error", says: "A key is nearly one of the format: one or two letters differ." },
  FOREIGN_KEY: {
    severity: "warning",
    says: "A key is another system's: it is kept and shown, and has no effect but what the message says.",
  },
  MISSING_KEY: { severity: "error", says: "A key that is required is missing." },
  WRONG_TYPE: { severity: "error", says: "A value is of another type than its key takes." },
  OUT_OF_RANGE: {
    severity: "error",
    says: "A number, or the length of a text or list, is outside its range.",
  },
  UNKNOWN_VALUE: { severity: "error", says: "A value is none of those its key takes." },
  UNKNOWN_STEP_TYPE: { severity: "error", says: "There is no step of that type." },
  UNKNOWN_IDENTITY_STRATEGY: { severity: "error", says: "There is no such identity strategy." },
  BAD_TEXT: {
    severity: "error",
    says: "A text has half a character: a surrogate without its other half, which no message can carry.",
  },
  BAD_NAME: { severity: "error", says: "A name has characters that names cannot have, or is reserved." },
  BAD_VERSION: { severity: "error", says: "A version is no semantic version." },
  NAMESPACE_TOO_LONG: { severity: "error", says: "The namespace is longer than 29 characters." },
  EMPTY_CALLABLE: { severity: "error", says: "A step that needs an agent names none." },
  SCHEMA_NOT_OBJECT: {
    severity: "error",
    says: "A schema is no JSON object, or the input's describes no object.",
  },
  BAD_SCHEMA: { severity: "error", says: "A schema is no JSON Schema of draft 2020-12." },
  SCHEMA_LIMIT: {
    severity: "error",
    says: "A schema takes too long to compile, or too much memory; or all of them together do.",
  },
  BAD_DEFAULT: { severity: "error", says: "A signal's `default` does not fit the step's `result_schema`." },
  NO_STEPS: { severity: "error", says: "No step would ever run." },
  TOO_MANY_STEPS: { severity: "error", says: "There are more steps than a Task may have." },
  TOO_MANY_EDGES: { severity: "error", says: "There are more dependencies than a Task may have." },
  DUPLICATE_STEP_NAME: { severity: "error", says: "Two steps have the same name." },
  NAME_CLASH: {
    severity: "error",
    says: "A step is named as a member of a batch or map would be: `{step}_{id}`.",
  },
  SELF_DEPENDENCY: { severity: "error", says: "A step depends on itself." },
  MISSING_DEP_REF: { severity: "error", says: "A step depends on one that is not there." },
  DUPLICATE_DEPENDENCY: { severity: "error", says: "A step names the same dependency twice." },
  CYCLE_DETECTED: {
    severity: "error",
    says: "Steps wait for one another in a circle; the message names it.",
  },
  ORPHAN_STEP: {
    severity: "warning",
    says: "A step depends on none, and none on it, though there are others.",
  },
  MISSING_PART: { severity: "error", says: "A step lacks the part that its type needs." },
  MISPLACED_PART: { severity: "error", says: "A step has a part that belongs to another type." },
  DECISION_WITHOUT_DEPENDENCY: { severity: "error", says: "A decision depends on no step." },
  DECISION_WITHOUT_BRANCHES: {
    severity: "warning",
    says: "No step depends on a decision: it has no choice.",
  },
  BRANCHES_JOINED: {
    severity: "warning",
    says: "A step depends on several branches of one decision, so it runs only if all are chosen.",
  },
  CONVERGENCE_WITHOUT_DEPENDENCY: { severity: "error", says: "A convergence joins no steps." },
  MISSING_WORKER_REF: { severity: "error", says: "`worker_template` names a step that is not there." },
  NOT_A_BATCH_WORKER: { severity: "error", says: "`worker_template` names a step of another type." },
  BATCH_WORKER_SHARED: { severity: "error", says: "Two batches have the same worker." },
  BATCH_WORKER_UNUSED: { severity: "error", says: "No batch makes this worker, so it would never run." },
  MISSING_COMPENSATE_REF: { severity: "error", says: "`compensate` names a step that is not there." },
  BAD_COMPENSATION: {
    severity: "error",
    says: "A step that compensates another takes part in the normal order, or is no standard step.",
  },
  BAD_CHILD: { severity: "error", says: "`child` names neither an agent nor a template, or both." },
  FOREIGN_TEMPLATE: { severity: "error", says: "`child.template` is of another namespace than its parent." },
  SELF_TEMPLATE: {
    severity: "warning",
    says: "`child.template` is the template itself, so Tasks would lie within one another without end.",
  },
  DUPLICATE_SIGNAL: { severity: "error", says: "Two steps wait for a signal of the same name." },
  BAD_PATH: {
    severity: "error",
    says: "A path leads neither into the input nor to a direct dependency's result.",
  },
  BAD_INPUT: {
    severity: "error",
    says: "A step's `input` refers to something that it cannot have, or that a schema rules out.",
  },
  UNDECLARED_PATH: {
    severity: "warning",
    says: "A step's `input` reads a name that the schema of what it reads does not mention.",
  },
  MISSING_OVERRIDE_REF: { severity: "error", says: "An environment overrides a step that is not there." },
  NO_EFFECT: {
    severity: "warning",
    says: "A field is kept and shown, and has no effect: not yet, or not on a step of its type.",
  },
  NO_RESULT_SCHEMA: { severity: "info", says: "A step does not say what its result looks like." },
} as const satisfies Readonly<Record<string, CodeRow>>;

export type FindingCode = keyof typeof findingCodes;

/**
 * A problem or remark about a template, with its position in the text.
 *
 * @example
 * ```ts
 * import { type Finding, readTemplate } from "taskrun/templates";
 *
 * const lineOf = ({ line, column, code, message }: Finding) => `${line}:${column} ${code} ${message}`;
 * console.error(readTemplate("name: book_trip\n").findings.map(lineOf).join("\n"));
 * ```
 */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What is wrong and how to correct it, for people. */
  readonly message: string;
  /** The step concerned; empty if it is the whole template. */
  readonly stepName: string;
  /** Line in the text, from 1. */
  readonly line: number;
  /** Column in the line, from 1. */
  readonly column: number;
}

/** A finding whose position is still an offset. */
export interface Remark {
  readonly code: FindingCode;
  readonly message: string;
  readonly stepName: string;
  /** In characters, from 0. */
  readonly offset: number;
}

const severities: readonly Severity[] = ["error", "warning", "info"];

/** Collects findings; keeps no more of each severity than can be reported. */
export class Findings {
  readonly #kept: Readonly<Record<Severity, Remark[]>> = { error: [], warning: [], info: [] };

  add(code: FindingCode, message: string, offset: number, stepName = ""): void {
    const list = this.#kept[findingCodes[code].severity];
    if (list.length < limits.templateFindings) list.push({ code, message, stepName, offset });
  }

  get hasErrors(): boolean {
    return this.#kept.error.length > 0;
  }

  /** Returns the findings: errors first, then warnings, then infos, each in the order of the text. */
  report(placeOf: (offset: number) => { readonly line: number; readonly col: number }): Finding[] {
    const all = severities.flatMap((severity) =>
      this.#kept[severity].sort((a, b) => a.offset - b.offset).map((remark) => ({ severity, ...remark })),
    );
    return all.slice(0, limits.templateFindings).map(({ severity, code, message, stepName, offset }) => {
      const { line, col } = placeOf(offset);
      return { code, severity, message, stepName, line: Math.max(1, line), column: Math.max(1, col) };
    });
  }
}

/** Writes a name or value for a message: quoted, and cut to 60 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
