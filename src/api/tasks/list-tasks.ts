import { z } from "zod";
import type { TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import { inOnePage, taskBytes } from "../answer-size.js";
import { pageRows, pageToken } from "../fields.js";
import { fromPageToken, toPageToken } from "../page-token.js";
import { readsOf, useCase } from "../use-case.js";
import { optionalName } from "../validate.js";
import { refuseEmptyFilter, taskFilterFields, taskFilterOf } from "./task-filter.js";

/** Tasks without input, Steps and results; `next` is empty on the last page. */
export interface TaskPage {
  readonly tasks: readonly TaskRow[];
  readonly nextPageToken: string;
}

const input = z
  .object({
    ...taskFilterFields,
    /** The older name of `pageSize`. */
    limit: z.number(),
    pageSize: z.number(),
    pageToken: pageToken(fromPageToken),
    namespace: optionalName,
  })
  .superRefine(refuseEmptyFilter)
  .transform((request) => ({ ...request, pageSize: pageRows(request.pageSize || request.limit) }));

/** ListTasks: Tasks by page, the newest first. */
export const listTasks = useCase({
  action: "task.list",
  input,
  answerBytes: limits.pageBytes,
  find: ({ namespace }, { caller }) => {
    const namespaces = namespace === "" ? caller.namespaces : [namespace];
    return { resource: { kind: "namespaces" as const, namespaces } };
  },
  perform: async (asked, request, { resource: { namespaces } }): Promise<TaskPage> => {
    const { pageSize, pageToken } = asked;
    const filter = taskFilterOf(asked, namespaces, request.services.plane.pauses());
    const { tasks: rows, next } = await readsOf(request).tasks(filter, pageToken, pageSize);
    const tasks = inOnePage(rows, taskBytes);
    const last = tasks.length < rows.length ? tasks.at(-1)?.id : next;
    return { tasks, nextPageToken: last === undefined ? "" : toPageToken(last) };
  },
  hidden: (): TaskPage => ({ tasks: [], nextPageToken: "" }),
});
