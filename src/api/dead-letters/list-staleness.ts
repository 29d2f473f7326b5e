import { z } from "zod";
import { liveStates, type StaleHealth, type Staleness, staleHealths } from "#domain/task/staleness";
import type { TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import { pageToken } from "../fields.js";
import { fromPageToken, toPageToken } from "../page-token.js";
import { type Request, readsOf, useCase } from "../use-case.js";
import { oneOf, optionalName } from "../validate.js";
import { ofNamespace } from "./fields.js";

/** How a Task stands. */
export interface TaskStaleness {
  readonly task: TaskRow;
  readonly staleness: Staleness;
  /** Of the Step in which it rests, or of a Task without a template; empty if there is none. */
  readonly agentName: string;
}

/** Tasks that have not ended; `nextPageToken` is empty on the last page. */
export interface StalenessPage {
  readonly tasks: readonly TaskStaleness[];
  readonly nextPageToken: string;
}

const input = z.object({
  namespace: optionalName,
  health: oneOf(staleHealths).optional(),
  pageSize: z.number().transform((size) => (size <= 0 ? limits.stalePage : Math.min(size, limits.stalePage))),
  pageToken: pageToken(fromPageToken),
});

/** ListStaleness: Tasks that have not ended, by page, the newest first, each as the search for stale ones sees it. */
export const listStaleness = useCase({
  action: "dead_letter.staleness",
  input,
  answerBytes: limits.pageBytes,
  find: ofNamespace,
  perform: async (asked, request, { resource: { namespaces } }): Promise<StalenessPage> => {
    const filter = { namespaces, states: liveStates };
    const { tasks: rows, next } = await readsOf(request).tasks(filter, asked.pageToken, asked.pageSize);
    const tasks: TaskStaleness[] = [];
    // One after the other: a Task may have many Steps.
    for (const { id } of rows) {
      const each = await standing(id, asked.health, request);
      if (each) tasks.push(each);
    }
    return { tasks, nextPageToken: next === undefined ? "" : toPageToken(next) };
  },
  hidden: (): StalenessPage => ({ tasks: [], nextPageToken: "" }),
});

/** Undefined if the Task has ended by now, or stands otherwise than asked for. */
async function standing(
  id: TaskRow["id"],
  health: StaleHealth | undefined,
  request: Request,
): Promise<TaskStaleness | undefined> {
  const detail = await readsOf(request).task(id);
  const staleness = detail && (await request.services.plane.staleness(detail));
  if (!staleness || (health !== undefined && staleness.health !== health)) return undefined;
  const { task, steps } = detail;
  const step = steps.find(({ name }) => name === staleness.stepName);
  return { task, staleness, agentName: step?.agentName ?? task.spec.agentName };
}
