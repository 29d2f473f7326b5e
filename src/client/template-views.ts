/**
 * A registered template version, without its text. Immutable.
 *
 * @example
 * ```ts
 * import { createClient, type Template } from "taskrun/client";
 *
 * const all: Template[] = [];
 * for await (const template of createClient().templates.list()) all.push(template);
 * ```
 */
export interface Template {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly stepCount: number;
  readonly registeredAtMs: number;
  /** SHA-256 of its canonical body. */
  readonly digest: string;
}

/**
 * A registered template version with its text.
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { createClient, type WholeTemplate } from "taskrun/client";
 *
 * const template: WholeTemplate = await createClient().templates.get({ name: "book_trip" });
 * await writeFile("booking.yaml", template.source);
 * ```
 */
export interface WholeTemplate extends Template {
  /** The text it was registered with, byte for byte. */
  readonly source: string;
  /** Its body as JSON text, with the same keys as the YAML. */
  readonly bodyJson: string;
}

/**
 * A problem or remark about a template. `docs/templates.md` lists the codes.
 *
 * @example
 * ```ts
 * import { createClient, type Finding } from "taskrun/client";
 *
 * const { findings } = await createClient().templates.validate("name: book_trip\n");
 * const errors = findings.filter((finding: Finding) => finding.severity === "error");
 * ```
 */
export interface Finding {
  /** For example `CYCLE_DETECTED`. */
  readonly code: string;
  /** Only errors prevent registration. */
  readonly severity: "error" | "warning" | "info" | (string & {});
  readonly message: string;
  /** Empty if it concerns the whole template. */
  readonly stepName: string;
  /** Position in the text, from 1; 0 if there is none. */
  readonly line: number;
  readonly column: number;
}
