import { unreachable } from "#domain/invariant";
import { NO_PAUSES } from "#domain/pause/pause-set";
import type { LogEntry } from "#domain/task/log";
import type { TaskRow } from "#domain/task/task";
import { journalEventToWire, usageEventToWire } from "./convert-journal.js";
import { runToWire, stepToWire, taskToWire } from "./convert-task.js";
import type { TaskEvent } from "./gen/taskrun/v1/task_service_pb.js";

/**
 * A log entry as the event that watchers get.
 *
 * @param task for the fields that never change; the Task's state is taken from the entry
 * @param output the Task's result; only for the terminal entry
 */
export function taskEvent(task: TaskRow, seq: number, entry: LogEntry, output = ""): TaskEvent {
  return {
    $typeName: "taskrun.v1.TaskEvent",
    seq: BigInt(seq),
    taskId: task.id,
    timestampMs: BigInt(entry.at),
    event: eventToWire(task, entry, output),
  };
}

function eventToWire(task: TaskRow, entry: LogEntry, output: string): TaskEvent["event"] {
  // By its own instant, and by no pause: an event is the same whenever it is read.
  const moment = { now: entry.at, pauses: NO_PAUSES };
  switch (entry.type) {
    case "task": {
      const { state, hasRun, finishedAt, reason, errorMessage, warning } = entry;
      const { warnings = [] } = task.spec;
      const spec = warning === undefined ? task.spec : { ...task.spec, warnings: [...warnings, warning] };
      const row = { ...task, state, hasRun, finishedAt, reason, errorMessage, spec };
      // The counts of its Steps are as they are now, not as they were.
      return { case: "taskChanged", value: { ...taskToWire(row, moment, { output }), waitingReason: "" } };
    }
    case "step":
      return { case: "stepChanged", value: stepToWire(entry.step, task, moment) };
    case "run":
      return { case: "runChanged", value: runToWire(entry.run) };
    case "output": {
      const { runId, seq, content, isFinal, metadata, sentAt, fence } = entry;
      const timestampMs = BigInt(sentAt);
      const $typeName = "taskrun.v1.RunOutputChunk";
      return {
        case: "output",
        value: {
          $typeName,
          runId,
          seq: BigInt(seq),
          content,
          isFinal,
          metadata,
          timestampMs,
          fence,
          turn: 0,
        },
      };
    }
    case "event": {
      const { id, runId, kind, name = "", metadata, sentAt } = entry;
      const timestampMs = BigInt(sentAt);
      const $typeName = "taskrun.v1.RunEvent";
      return {
        case: "runEvent",
        value: {
          $typeName,
          id,
          runId,
          taskId: task.id,
          eventType: kind,
          timestampMs,
          metadata,
          fence: 0,
          name,
        },
      };
    }
    case "chat": {
      const { runId, role, content, sentAt } = entry;
      const message = {
        $typeName: "taskrun.v1.ChatMessage",
        role,
        content,
        timestampMs: BigInt(sentAt),
      } as const;
      return {
        case: "chatMessage",
        value: { $typeName: "taskrun.v1.RunChatMessage", runId, message, fence: 0 },
      };
    }
    case "journal":
      return { case: "journal", value: journalEventToWire(entry) };
    case "usage":
      return { case: "usage", value: usageEventToWire(entry) };
    default:
      return unreachable(entry, "a log entry of no known type");
  }
}
