import { z } from "zod";
import { Fault } from "#domain/fault";
import type { TemplateRow } from "#domain/template/template";
import type { Finding } from "#templates/read/finding";
import { readsOf, useCase } from "../use-case.js";
import { optionalName, sourceText } from "../validate.js";
import { readWhole } from "./template-source.js";

export interface Registered {
  readonly template: TemplateRow;
  /** False if this version was registered before, with the same body. */
  readonly created: boolean;
  /** Warnings. */
  readonly findings: readonly Finding[];
}

/** TemplateService.Register: stores a template version, in the namespace that its text names. */
export const registerTemplate = useCase({
  action: "template.register",
  input: z.object({ source: sourceText, namespace: optionalName }),
  find: async ({ source, namespace: wanted }, { services: { schemas } }) => {
    const { template, findings } = await readWhole(source, schemas);
    if (!template) throw notATemplate(findings);
    const namespace = template.body.namespace_name;
    if (wanted !== "" && wanted !== namespace) {
      const message = `namespace is "${wanted}", but the text names "${namespace}": let them be the same, or leave it out.`;
      throw new Fault("invalid", message, { field: "namespace" });
    }
    return { resource: { kind: "namespace" as const, namespace }, template, findings };
  },
  perform: async (_, request, found): Promise<Registered> => {
    const { template, findings } = found;
    const { name, namespace_name: namespace, version } = template.body;
    const before = await readsOf(request).template({ namespace, name, version });
    const row = await request.services.plane.register(request.caller, {
      namespace,
      name,
      version,
      ...template,
    });
    return {
      template: row,
      created: before?.version !== row.version || before.registeredAt !== row.registeredAt,
      findings,
    };
  },
});

function notATemplate(findings: readonly Finding[]): Fault {
  const errors = findings.filter(({ severity }) => severity === "error");
  const { line = 0, column = 0, code = "INVALID", message = "" } = errors[0] ?? {};
  const place = line > 0 ? ` at line ${line}, column ${column}` : "";
  const more = errors.length > 1 ? ` There are ${errors.length - 1} more; Validate lists all.` : "";
  const text = `source has an error${place}: ${message} (${code}).${more}`;
  return new Fault("invalid", text, { field: "source", reason: code });
}
