import { z } from "zod";
import { limits } from "#domain/limits";
import { fromTemplateToken } from "./page-token.js";
import { templateRef } from "./schemas.js";
import { optionalName, sourceText } from "./validate.js";

/** What each rpc of TemplateService takes, with defaults filled in. */
export const registerTemplate = z.object({ source: sourceText, namespace: optionalName });
export const validateTemplate = z.object({ source: sourceText });

export const getTemplate = z.object({
  template: z.object(templateRef.shape, {
    error: "is required: name the template, as TemplateService.List shows it.",
  }),
});

export const listTemplates = z.object({
  namespace: optionalName,
  name: optionalName,
  pageSize: z
    .number()
    .transform((wanted) => (wanted > 0 ? Math.min(wanted, limits.pageSizeMax) : limits.pageSizeDefault)),
  pageToken: z.string().transform((token, context) => {
    const after = fromTemplateToken(token);
    if (token !== "" && after === undefined) {
      const message = "is not understood: send the next_page_token of the page before, or nothing.";
      context.addIssue({ code: "custom", message });
    }
    return after;
  }),
});
