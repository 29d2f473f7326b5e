import { z } from "zod";
import type { RunId, TaskId, WorkerId } from "#domain/id";
import { isVersion } from "#domain/template/version";
import { limits } from "#limits/index";
import { freeText, optionalName, requiredName } from "./validate.js";

/** Fields that several use cases take. */
export const taskId = requiredName("the id of a Task, as CreateTask answered it").transform(
  (id) => id as TaskId,
);
export const workerId = requiredName("the id of a Worker, as ListWorkers shows it").transform(
  (id) => id as WorkerId,
);
export const runId = requiredName("the run_id of your assignment").transform((id) => id as RunId);
export const stepName = requiredName('the name of a Step, which is "main" in a Task that names one agent');
/** The reason of a request, for people. */
export const reason = freeText(limits.errorMessageBytes);

export const templateRef = z.object({
  namespace: optionalName,
  name: requiredName("the name of a template, as TemplateService.List shows it"),
  version: optionalName.refine((version) => version === "" || isVersion(version), {
    error: "is no version: send one as 1.2.3, or nothing for the newest.",
  }),
});

/** The token of the previous page, or empty for the first page. */
export const pageToken = <Place>(read: (token: string) => Place | undefined) =>
  z.string().transform((token, context) => {
    const place = read(token);
    if (token !== "" && place === undefined) {
      const message = "is not understood: send the next_page_token of the page before, or nothing.";
      context.addIssue({ code: "custom", message });
    }
    return place;
  });

/** The number of rows for a page: the default for 0 or less, and at most the limit. */
export function pageRows(wanted: number): number {
  return wanted > 0 ? Math.min(wanted, limits.pageSizeMax) : limits.pageSizeDefault;
}
