import { CliError, exit } from "../exit.js";

/** A template's name on the command line. Default: the caller's namespace and the newest version. */
export interface NamedTemplate {
  readonly namespace?: string;
  readonly name: string;
  readonly version?: string;
}

const form = /^(?:(?<namespace>[^/@\s]+)\/)?(?<name>[^/@\s]+)(?:@(?<version>[^/@\s]+))?$/;

/**
 * Reads `NAME`, `NS/NAME`, `NAME@VERSION` or `NS/NAME@VERSION`.
 *
 * @param what the option or argument, for example `--template`
 * @throws {CliError} `usage`
 */
export function readTemplateName(text: string, what: string): NamedTemplate {
  const { namespace, name, version } = form.exec(text)?.groups ?? {};
  if (name === undefined) {
    const example = "for example orders/order_fulfillment@1.0.0; NS/ and @VERSION are optional";
    throw new CliError(exit.usage, `${what}: "${text}" is not NS/NAME@VERSION, ${example}`);
  }
  return { name, ...(namespace !== undefined && { namespace }), ...(version !== undefined && { version }) };
}

/** Formats a template's name: `orders/order_fulfillment@1.0.0`. */
export function nameOf(template: {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}): string {
  return `${template.namespace}/${template.name}@${template.version}`;
}
