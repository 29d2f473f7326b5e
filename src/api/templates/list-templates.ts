import { z } from "zod";
import type { TemplateRow } from "#domain/template/template";
import { limits } from "#limits/index";
import { inOnePage, templateBytes } from "../answer-size.js";
import { pageRows, pageToken } from "../fields.js";
import { fromTemplateToken, toTemplateToken } from "../page-token.js";
import { readsOf, useCase } from "../use-case.js";
import { optionalName } from "../validate.js";

/** A page of templates; `nextPageToken` is empty on the last page. */
export interface TemplatePage {
  readonly templates: readonly TemplateRow[];
  readonly nextPageToken: string;
}

/** TemplateService.List: templates by page, ordered by name, the newest version of each first. */
export const listTemplates = useCase({
  action: "template.list",
  input: z.object({
    namespace: optionalName,
    name: optionalName,
    pageSize: z.number().transform(pageRows),
    pageToken: pageToken(fromTemplateToken),
  }),
  answerBytes: limits.pageBytes,
  find: ({ namespace }, { caller }) => {
    const namespaces = namespace === "" ? caller.namespaces : [namespace];
    return { resource: { kind: "namespaces" as const, namespaces } };
  },
  perform: async (asked, request, { resource: { namespaces } }): Promise<TemplatePage> => {
    const { name, pageSize, pageToken } = asked;
    const filter = { namespaces, ...(name !== "" && { name }) };
    const { templates: rows, next } = await readsOf(request).templates(filter, pageToken, pageSize);
    const templates = inOnePage(rows, templateBytes);
    const last = templates.length < rows.length ? templates.at(-1) : next;
    return { templates, nextPageToken: last === undefined ? "" : toTemplateToken(last) };
  },
  hidden: (): TemplatePage => ({ templates: [], nextPageToken: "" }),
});
