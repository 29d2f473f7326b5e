import type { Watch } from "#api/tasks/watch-task";
import type { LogEntry } from "#domain/task/log";
import { endsLog } from "#domain/task/log";
import { limits } from "#limits/index";
import { taskEvent } from "#wire/convert-event";
import type { TaskEvent } from "#wire/gen/taskrun/v1/task_service_pb";
import type { StreamCall } from "../rpc.js";

/** The messages of a watch, at the pace of their reader. What waits for it beside the message it reads is counted. */
export async function* watchedEvents(
  { task, slices, end }: Watch,
  { signal, keep }: Pick<StreamCall, "signal" | "keep">,
): AsyncGenerator<TaskEvent, void> {
  for await (const { firstSeq, entries } of slices(signal)) {
    const kept = textsOf(entries);
    if (kept > limits.watchUncountedBytes) keep(kept);
    for (const [i, entry] of entries.entries()) {
      const { task: shown, output } = endsLog(entry) ? await end() : { task, output: "" };
      yield taskEvent(shown, firstSeq + i, entry, output);
    }
    if (kept > limits.watchUncountedBytes) keep(0);
  }
}

/** Characters of output and chat in a slice: an estimate of its size, of which they are the largest part. */
function textsOf(entries: readonly LogEntry[]): number {
  let length = 0;
  for (const entry of entries) if ("content" in entry) length += entry.content.length;
  return length;
}
