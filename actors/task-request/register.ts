import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { namespaceDenied } from "#domain/refusals";
import { differences } from "#domain/template/diff";
import { type TemplateRow, templateKey } from "#domain/template/template";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { refuse } from "../make-command.js";
import { full } from "./full.js";
import type { TaskRequestHandler } from "./handler.js";

/** A template becomes known for good, unless this version is known with another body. */
export const register: TaskRequestHandler<"register"> = {
  needs: ({ template }) => ({ templates: [template] }),

  decide({ caller, template }, view, { at }) {
    const { namespace } = template;
    if (!mayUse(caller, namespace)) return [refuse(namespaceDenied(namespace))];
    const known = view.template(template);
    if (known) return [known.digest === template.digest ? answer(known) : refuse(changed(known, template))];
    const count = view.templatesIn(namespace);
    if (count >= limits.templatesPerNamespace) {
      const text = `namespace "${namespace}" has ${count} versions of templates, the most it may`;
      return [refuse(full(text))];
    }
    const row: TemplateRow = { ...template, registeredAt: at };
    return [{ type: "keepTemplate", params: { template: row } }, answer(row)];
  },
};

function answer(template: TemplateRow): Command {
  return { type: "reply", params: { answer: { type: "template", template } } };
}

function changed(known: TemplateRow, template: Omit<TemplateRow, "registeredAt">): Fault {
  const lines = differences(known.body, template.body).join("; ");
  const text = `template ${templateKey(known)} is registered with another body (${lines}); give the new one a version of its own`;
  return new Fault("template_conflict", text, { field: "source", reason: "TEMPLATE_CHANGED" });
}
