import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { getDeadLetter } from "#api/dead-letters/get-dead-letter";
import { cancelTask } from "#api/tasks/cancel-task";
import { getTask } from "#api/tasks/get-task";
import { listTasks } from "#api/tasks/list-tasks";
import { run } from "#api/use-case";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import { taskStates, taskStatuses } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import { taskStateToWire, taskStatusToWire } from "#wire/convert-enums";
import {
  type ListTasksRequest,
  ListTasksRequestSchema,
  TaskService,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { taskFilterInput } from "../../handlers/task-filter.js";
import type { RestRequest } from "../../rest/operation.js";
import { invalid, Parameters } from "../../rest/parameters.js";
import { fieldsOf } from "../../rest/query.js";
import type { Call } from "../../rpc.js";
import { jsonProblem } from "../../traffic/json-problem.js";
import { type FieldNames, namedAsSent } from "../shapes/field-names.js";
import { labelsOf } from "../shapes/labels.js";
import { sliceOf, sliceOfPage } from "../shapes/pages.js";
import { taskStateOf } from "../shapes/states.js";
import { summaryShape } from "../shapes/summary-shape.js";
import * as documents from "./documents/tasks.js";
import type { Parts } from "./json.js";
import { reserved, type TaskerRoute } from "./route.js";
import { summaryStepParts, summaryTaskParts, taskJson } from "./task-json.js";

const { method } = TaskService;
const TASK = "/v1/tasks/{id}";

/** Reading and cancelling Tasks. */
export const taskRoutes: readonly TaskerRoute[] = [
  {
    method: "GET",
    path: "/v1/tasks",
    as: method.listTasks,
    documentation: documents.list,
    answer: async ({ query }, call) => ({ body: await listed([...query], call) }),
  },
  {
    method: "GET",
    path: TASK,
    as: method.getTask,
    documentation: documents.get,
    answer: async (request, call) => ({ body: taskJson(await taskOf(request, call), call) }),
  },
  {
    method: "DELETE",
    path: TASK,
    as: method.cancelTask,
    documentation: documents.cancel,
    answer: async ({ params, query }, call) => {
      const reason = new Parameters(query, ["reason"]).text("reason");
      const view = await run(cancelTask, { id: params.id ?? "", reason }, call);
      const message = `Task ${view.task.id} is cancelled.`;
      return { body: { ...taskJson(view, call), success: true, message } };
    },
  },
  {
    method: "GET",
    path: `${TASK}/summary`,
    as: method.getTask,
    documentation: documents.summary,
    answer: async (request, call) => {
      const within = await reserved(call, limits.messageBytes);
      return { body: await summaryOf(await taskOf(request, within), within, request.base) };
    },
  },
];

/** The Task of a path that takes no parameters. */
export function taskOf({ params, query }: RestRequest, call: Call): Promise<TaskView> {
  new Parameters(query, []);
  return run(getTask, { id: params.id ?? "" }, call);
}

async function summaryOf(view: TaskView, call: Call, base: string): Promise<Parts> {
  const letter = view.task.hasDeadLetter ? await letterOf(view.task.id, call) : undefined;
  const now = call.services.plane.now();
  const { task, plannedSteps, steps, dlq, links } = summaryShape(view, letter, now, base);
  return {
    task: summaryTaskParts(task),
    template: {
      steps: plannedSteps.map((step) => ({
        name: step.name,
        step_type: step.stepType,
        handler: step.handler,
        dependencies: step.dependencies,
        retryable: step.retryable,
        max_attempts: step.maxAttempts,
      })),
    },
    steps: steps.map(({ error, ...step }) => ({
      ...summaryStepParts(step),
      error: error ? { error_type: error.errorType, retryable: error.retryable, status_code: null } : null,
    })),
    dlq: {
      in_dlq: dlq.inDlq,
      dlq_reason: dlq.dlqReason ?? null,
      resolution_status: dlq.resolutionStatus ?? null,
    },
    links: { ...links },
  };
}

/** Undefined if it has been removed since. */
async function letterOf(taskId: TaskId, call: Call): Promise<DeadLetterRow | undefined> {
  try {
    return (await run(getDeadLetter, { taskId }, call)).letter;
  } catch (error) {
    if (error instanceof Fault && error.code === "not_found") return undefined;
    throw error;
  }
}

/** The parameters that Tasker has. All others are filters of ours, by the names of ListTasksRequest. */
const taskers = [
  "page",
  "per_page",
  "status",
  "initiator",
  "source_system",
  "tags",
  "page_token",
  "task_status",
];

type Pairs = readonly (readonly [string, string])[];

async function listed(pairs: Pairs, call: Call): Promise<Parts> {
  const parameters = new Parameters(
    pairs.filter(([name]) => taskers.includes(name)),
    taskers,
    ["tags"],
  );
  const filter = filterOf(parameters, ourFilter(pairs.filter(([name]) => !taskers.includes(name))));
  const page = parameters.whole("page", 1, Number.MAX_SAFE_INTEGER, 1);
  const perPage = parameters.whole("per_page", 1, limits.taskerPageMax, limits.taskerPageDefault);
  const within = await reserved(call, 2 * limits.pageBytes);
  // Both names are taken here.
  const names: FieldNames = parameters.has("initiator") ? { created_by: "initiator" } : {};
  const read = async (pageToken: string, pageSize: number) => {
    const asked = run(listTasks, taskFilterInput({ ...filter, pageToken, pageSize }), within);
    const { tasks, nextPageToken } = await namedAsSent(asked, names);
    return { rows: tasks, nextPageToken };
  };
  const begin = parameters.text("page_token");
  if (begin !== "" && page > 1) throw invalid("page_token", "goes on where a page ended: leave page out.");
  const { rows, nextPageToken, hasMore } = await sliceOf(read, sliceOfPage(page, perPage), {
    begin,
    field: "page",
  });
  const before = (page - 1) * perPage;
  const seen = rows.length === 0 ? 0 : before + rows.length + Number(hasMore);
  return {
    tasks: rows.map((task) => taskJson({ task }, within)),
    next_page_token: nextPageToken,
    pagination: {
      ...{ page, per_page: perPage },
      // Tasks are not counted for a page: of more there is at least one.
      total_count: seen,
      total_count_is_exact: !hasMore && begin === "" && (rows.length > 0 || page === 1),
      total_pages: Math.ceil(seen / perPage),
      has_next: hasMore,
      has_previous: page > 1,
    },
  };
}

/** @throws {Fault} `invalid`, with the names that there are */
function ourFilter(pairs: Pairs): ListTasksRequest {
  const paging = pairs.find(([name]) => ["limit", "page_size", "pageSize", "pageToken"].includes(name));
  if (paging) throw invalid(paging[0], "is not for this path: send per_page, and page or page_token.");
  const fields = fieldsOf(ListTasksRequestSchema, pairs);
  try {
    return fromJson(ListTasksRequestSchema, fields as JsonValue);
  } catch (cause) {
    throw jsonProblem(ListTasksRequestSchema, JSON.stringify(fields), cause as Error);
  }
}

function filterOf(parameters: Parameters, ours: ListTasksRequest): ListTasksRequest {
  const notes = {
    sourceSystem: parameters.text("source_system"),
    tags: [...new Set(parameters.all("tags"))],
  };
  const initiator = parameters.text("initiator");
  if (initiator !== "" && ours.createdBy !== "" && initiator !== ours.createdBy) {
    throw invalid("initiator", "is another one than created_by: send one of them.");
  }
  return create(ListTasksRequestSchema, {
    ...ours,
    ...(initiator !== "" && { createdBy: initiator }),
    labels: { ...ours.labels, ...labelsOf(notes) },
    ...statesIn(parameters, ours),
  });
}

function statesIn(
  parameters: Parameters,
  { states, statusFilter }: ListTasksRequest,
): Pick<ListTasksRequest, "states" | "statusFilter"> {
  const [word, ourWord] = [parameters.text("status"), parameters.text("task_status")];
  const state = word === "" ? undefined : taskStateOf(word);
  if (word !== "" && state === undefined) {
    throw invalid("status", `is ${shown(word)}; it is one of ${taskStates.join(", ")}.`);
  }
  const status = taskStatuses.find((each) => each === ourWord.toUpperCase());
  if (ourWord !== "" && status === undefined) {
    throw invalid("task_status", `is ${shown(ourWord)}; it is one of ${taskStatuses.join(", ")}.`);
  }
  return {
    states: state ? [...states, taskStateToWire[state]] : states,
    statusFilter: status ? taskStatusToWire[status] : statusFilter,
  };
}

function shown(word: string): string {
  return JSON.stringify(word.slice(0, 64));
}
