import { type ReplayedLog, replayTask } from "#api/tasks/replay-task";
import { run } from "#api/use-case";
import type { LogEntry } from "#domain/task/log";
import { deadlineOf, isTerminal } from "#domain/task/task";
import type { InspectionHub } from "#inspect/hub";
import type { StatelyEvent } from "#inspect/protocol";
import type { ReplayedEntry, ReplayedTask } from "#inspect/replay";
import type { StreamCall } from "../rpc.js";
import type { ServerEvent } from "./event-writer.js";
import type { EventFeed } from "./sse.js";

/**
 * The log of a Task as it is now, as events of the inspector's protocol; then `end`, which says whether the Task has
 * ended. Who may watch the Task may read it.
 */
export function replayFeed(hub: Pick<InspectionHub, "replay">): EventFeed {
  return async ({ params }, call) => events(await run(replayTask, { id: params.id ?? "" }, call), hub, call);
}

async function* events(
  log: ReplayedLog,
  hub: Pick<InspectionHub, "replay">,
  { signal }: StreamCall,
): AsyncGenerator<readonly ServerEvent[], void> {
  const replay = hub.replay(replayedTask(log));
  yield replay.begin().map(serverEvent);
  let hasEnded = false;
  for await (const { entries } of log.slices(signal)) {
    yield entries.flatMap((entry) => {
      hasEnded ||= entry.type === "task" && isTerminal(entry.state);
      const read = replayedEntry(entry);
      return read ? replay.next(read).map(serverEvent) : [];
    });
  }
  // What compensates the Task goes on in another one.
  const ended = hasEnded && log.task.compensatedBy === "";
  if (!signal.aborted) yield [{ event: "end", data: JSON.stringify({ ended }) }];
}

function serverEvent(event: StatelyEvent): ServerEvent {
  return { event: "inspect", data: JSON.stringify(event) };
}

function replayedTask({ task, steps }: ReplayedLog): ReplayedTask {
  const { id, namespace, spec, createdAt, compensatedBy } = task;
  const { agentName, template, startAt, parent, compensates, retryOf } = spec;
  const waits = steps.map(
    ({ name, spec: plan }) => [name, plan.delayMs ?? plan.signal?.timeoutMs ?? 0] as const,
  );
  return {
    id,
    namespace,
    name: template?.name ?? agentName,
    agentName,
    createdAt,
    startAt,
    timeoutAt: deadlineOf(task),
    ...(parent && { parent }),
    compensates,
    compensatedBy,
    retryOf,
    waits: new Map(waits),
  };
}

/** Output and what agents say beside it are no states. */
function replayedEntry(entry: LogEntry): ReplayedEntry | undefined {
  return entry.type === "task" || entry.type === "step" || entry.type === "run" ? entry : undefined;
}
