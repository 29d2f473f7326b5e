import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { listTasks as listTasksByPage } from "#api/tasks/list-tasks";
import { listTemplates } from "#api/templates/list-templates";
import { run } from "#api/use-case";
import type { TaskRow, TaskState } from "#domain/task/task";
import { limits } from "#limits/index";
import { SortDirection, type SortSpec } from "#wire/gen/tasker/v1/common_pb";
import {
  type ListTasksRequest,
  type ListTasksResponse,
  ListTasksResponseSchema,
} from "#wire/gen/tasker/v1/tasks_pb";
import type { Call } from "../../rpc.js";
import { type FieldNames, namedAsSent } from "../shapes/field-names.js";
import { labelsOf } from "../shapes/labels.js";
import { type Slice, type Sliced, sliceOf, type TokenPage } from "../shapes/pages.js";
import { type TaskShape, taskShape } from "../shapes/task-shape.js";
import { taskStateToWire } from "./enums.js";
import { invalid, pagination, sliceIn, wordIn } from "./fields.js";
import { taskToWire } from "./messages.js";
import { StructRoom } from "./struct-room.js";

type ReadPage = (pageToken: string, pageSize: number) => Promise<TokenPage<TaskRow>>;

/** ListTasks of Tasker: by offset, the newest first unless another order is asked for. */
export async function listTasks(request: ListTasksRequest, call: Call): Promise<ListTasksResponse> {
  const slice = sliceIn(request.pagination ?? {}, pagination);
  const order = orderOf(request.sort);
  const filter = await filterOf(request, call);
  const read: ReadPage = async (pageToken, pageSize) => {
    const asked = run(listTasksByPage, { ...filter, pageToken, pageSize, limit: 0 }, call);
    const page = await namedAsSent(asked, names);
    return { rows: page.tasks, nextPageToken: page.nextPageToken };
  };
  const { tasks, total, hasMore } = order ? await sorted(read, slice, order) : await newestFirst(read, slice);
  const { offset } = slice;
  // Lists have no contexts.
  const room = new StructRoom();
  return create(ListTasksResponseSchema, {
    tasks: tasks.map((task) => taskToWire(task, room)),
    pagination: { total: BigInt(total), count: tasks.length, offset, hasMore },
  });
}

/** What a list is asked for by, in our words and in Tasker's. */
const names: FieldNames = {
  "template.namespace": "namespace",
  "template.name": "name",
  agent_filter: "name",
  created_by: "initiator",
  created_after_ms: "created_at.start",
  created_before_ms: "created_at.end",
};

interface Listed {
  readonly tasks: readonly TaskShape[];
  /** Of a list with more the rows up to here, and one: Tasks are not counted for a page. */
  readonly total: number;
  readonly hasMore: boolean;
}

async function newestFirst(read: ReadPage, slice: Slice): Promise<Listed> {
  const { rows, hasMore }: Sliced<TaskRow> = await sliceOf(read, slice, {
    field: "pagination.offset",
    goOn: "read the pages of taskrun.v1.TaskService/ListTasks",
  });
  const total = rows.length === 0 ? 0 : slice.offset + rows.length + Number(hasMore);
  return { tasks: rows.map((task) => taskShape({ task })), total, hasMore };
}

type Order = (a: TaskShape, b: TaskShape) => number;

/** Reads every row and sorts them, so that their number is bounded. @throws {Fault} `invalid` if there are more */
async function sorted(read: ReadPage, { offset, limit }: Slice, order: Order): Promise<Listed> {
  const all = await sliceOf(read, { offset: 0, limit: limits.taskerSorted });
  if (all.hasMore) {
    const says = `is for up to ${limits.taskerSorted} Tasks, and there are more: narrow the filter, for example by created_at, or leave it out for the newest first.`;
    throw invalid("sort", says, "SORT_TOO_LARGE");
  }
  const shapes = all.rows.map((task) => taskShape({ task })).sort(order);
  const tasks = shapes.slice(offset, offset + limit);
  return { tasks, total: shapes.length, hasMore: offset + tasks.length < shapes.length };
}

/** What can be sorted by: of texts their code units decide. */
const sortable = {
  created_at: ({ createdAt }) => createdAt,
  updated_at: ({ updatedAt }) => updatedAt,
  completed_at: ({ completedAt }) => completedAt,
  priority: ({ priority }) => priority,
  name: ({ name }) => name,
  namespace: ({ namespace }) => namespace,
  state: ({ state }) => state,
  initiator: ({ initiator }) => initiator,
} as const satisfies Record<string, (task: TaskShape) => number | string>;

/** Undefined for the order that the store has: the newest first. @throws {Fault} `invalid` for a field that is none of these */
function orderOf(sort: SortSpec | undefined): Order | undefined {
  if (!sort) return undefined;
  const { field, direction } = sort;
  if (!Object.hasOwn(sortable, field)) {
    throw invalid(
      "sort.field",
      `is ${JSON.stringify(field.slice(0, 64))}; it is one of ${Object.keys(sortable).join(", ")}.`,
    );
  }
  if (!(direction in SortDirection))
    throw invalid("sort.direction", `is ${direction}; send 1 for ascending, 2 for descending.`);
  const isAscending = direction === SortDirection.ASC;
  if (field === "created_at" && !isAscending) return undefined;
  const key = sortable[field as keyof typeof sortable];
  const sign = isAscending ? 1 : -1;
  // Rows come newest first, which is the order of those that are equal.
  return (a, b) => (key(a) === key(b) ? 0 : sign * (key(a) < key(b) ? -1 : 1));
}

async function filterOf(request: ListTasksRequest, call: Call) {
  const { namespace = "", name = "", initiator = "" } = request;
  const states = request.states.map((state): TaskState => wordIn("states", taskStateToWire, state));
  return {
    ...{ namespace, states, createdBy: initiator, ...(await named(name, namespace, call)) },
    labels: labelsOf({ tags: [...new Set(request.tags)] }),
    // Both ends belong to Tasker's range; ours ends before its end.
    createdAfterMs: momentOf(request.createdAt?.start, 0),
    createdBeforeMs: momentOf(request.createdAt?.end, 1),
    ...{ idPrefix: "", parentTaskId: "", correlationId: "", waiting: "" },
  };
}

/** Tasks of the template of this name; if the caller sees none, those of the agent. */
async function named(name: string, namespace: string, call: Call) {
  if (name === "") return { agentFilter: "" };
  const asked = { namespace, name, pageSize: 1, pageToken: "" };
  const { templates } = await run(listTemplates, asked, call);
  if (templates.length === 0) return { agentFilter: name };
  return { agentFilter: "", template: { namespace, name, version: "" } };
}

/** Milliseconds; 0 if it is left out. */
function momentOf(timestamp: Timestamp | undefined, more: number): number {
  return timestamp === undefined ? 0 : Math.max(0, timestampMs(timestamp) + more);
}
