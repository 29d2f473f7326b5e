import type { Lane } from "#domain/task/lane";
import type { TaskRow, TaskStatus } from "#domain/task/task";
import type { WaitingMoment } from "#domain/task/waiting-reason";
import { limits } from "#limits/index";
import { taskToWire } from "./convert-task.js";
import type { GetOverviewResponse, QueueOverview, TaskRates } from "./gen/taskrun/v1/task_service_pb.js";

/** How things are at the moment. */
interface OverviewView {
  readonly at: number;
  readonly queues: readonly { readonly lane: Lane; readonly waiting: number; readonly first: string }[];
  readonly moreQueues: number;
  readonly lately: LatelyView;
  readonly oldest: readonly TaskRow[];
  readonly failed: readonly TaskRow[];
}

interface LatelyView {
  readonly created: number;
  readonly ended: Readonly<Partial<Record<TaskStatus, number>>>;
  readonly isCut: boolean;
}

export function overviewToWire(view: OverviewView, moment: WaitingMoment): GetOverviewResponse {
  const { at, queues, moreQueues, lately, oldest, failed } = view;
  return {
    $typeName: "taskrun.v1.GetOverviewResponse",
    atMs: BigInt(at),
    queues: queues.map(queueToWire),
    moreQueues,
    rates: ratesToWire(lately),
    oldest: oldest.map((task) => taskToWire(task, moment)),
    failed: failed.map((task) => taskToWire(task, moment)),
  };
}

function queueToWire({ lane, waiting, first }: OverviewView["queues"][number]): QueueOverview {
  const { namespace, agentName, selector } = lane;
  return {
    $typeName: "taskrun.v1.QueueOverview",
    namespace,
    agentName,
    selector: { ...selector },
    waiting,
    firstTaskId: first,
  };
}

function ratesToWire({ created, ended, isCut }: LatelyView): TaskRates {
  const { COMPLETED: completed = 0, FAILED: failed = 0, CANCELLED: cancelled = 0 } = ended;
  return {
    $typeName: "taskrun.v1.TaskRates",
    windowMs: BigInt(limits.overviewWindow),
    created,
    completed,
    failed,
    cancelled,
    isLeast: isCut,
  };
}
