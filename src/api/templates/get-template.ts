import { z } from "zod";
import { ownNamespace } from "#domain/caller";
import { limits } from "#limits/index";
import { templateRef } from "../fields.js";
import { readsOf, useCase } from "../use-case.js";
import { required } from "../validate.js";
import { findTemplate } from "./plans.js";

/** TemplateService.Get: one version of a template, the newest if none is named. */
export const getTemplate = useCase({
  action: "template.read",
  input: z.object({
    template: required(
      z.object(templateRef.shape, {
        error: "is required: name the template, as TemplateService.List shows it.",
      }),
    ),
  }),
  answerBytes: limits.messageBytes,
  find: ({ template }, { caller }) => {
    const ref = { ...template, namespace: template.namespace || ownNamespace(caller) };
    return { resource: { kind: "template" as const, ref } };
  },
  perform: (_, request, { resource }) => findTemplate(readsOf(request), resource.ref),
});
