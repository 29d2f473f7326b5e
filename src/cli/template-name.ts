import { CliError, exit } from "./exit.js";

/** A template as the command line names it; what is left out is the caller's namespace and the newest version. */
export interface NamedTemplate {
  readonly namespace?: string;
  readonly name: string;
  readonly version?: string;
}

const form = /^(?:(?<namespace>[^/@\s]+)\/)?(?<name>[^/@\s]+)(?:@(?<version>[^/@\s]+))?$/;

/**
 * Reads `NAME`, `NS/NAME`, `NAME@VERSION` or `NS/NAME@VERSION`.
 *
 * @param what where it was given, for example `--template`
 * @throws {CliError} of wrong use
 */
export function readTemplateName(text: string, what: string): NamedTemplate {
  const { namespace, name, version } = form.exec(text)?.groups ?? {};
  if (name === undefined) {
    const example = "for example orders/order_fulfillment@1.0.0; NS/ and @VERSION may be left out";
    throw new CliError(exit.usage, `${what}: "${text}" is not NS/NAME@VERSION, ${example}`);
  }
  return { name, ...(namespace !== undefined && { namespace }), ...(version !== undefined && { version }) };
}

/** `orders/order_fulfillment@1.0.0`. */
export function nameOf(template: {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}): string {
  return `${template.namespace}/${template.name}@${template.version}`;
}
