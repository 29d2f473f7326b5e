import { toJsonString } from "@bufbuild/protobuf";
import { type Watch, watchTask } from "#api/tasks/watch-task";
import { run } from "#api/use-case";
import { Fault } from "#domain/fault";
import { TaskEventSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { watchedEvents } from "../handlers/watched-events.js";
import type { StreamCall } from "../rpc.js";
import type { ServerEvent } from "./event-writer.js";
import type { EventFeed, EventsRequest } from "./sse.js";

/**
 * A Task's events for browsers: what WatchTask answers, each message as JSON in an event of its kind, with its seq as id.
 * After the last one comes `end`, so that a page can close its EventSource.
 */
export const taskEvents: EventFeed = async (asked, call) => {
  const cursor = cursorOf(asked);
  const input = { id: asked.params.id ?? "", afterSeq: cursor.seq };
  const watch = await run(watchTask, input, call);
  try {
    return (await watch.isOver()) ? undefined : serverEvents(watch, call);
  } catch (error) {
    throw named(error, cursor.name);
  }
};

async function* serverEvents(watch: Watch, call: StreamCall): AsyncGenerator<ServerEvent, void> {
  for await (const message of watchedEvents(watch, call)) {
    yield {
      id: String(message.seq),
      event: message.event.case,
      data: toJsonString(TaskEventSchema, message),
    };
  }
  if (!call.signal.aborted) yield { event: "end", data: "{}" };
}

interface Cursor {
  /** Where it was given. */
  readonly name: string;
  readonly seq: number;
}

/**
 * The seq after which to begin. A reader that comes back repeats its query, so that the header counts.
 *
 * @throws {Fault} `invalid`
 */
function cursorOf({ query, lastEventId }: EventsRequest): Cursor {
  for (const name of query.keys()) {
    if (name !== "after") throw wrong(name.slice(0, 64), "is no parameter of this path; there is after.");
  }
  const name = lastEventId === undefined ? "after" : "Last-Event-ID";
  const text = lastEventId ?? query.get("after") ?? "0";
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seq)) return { name, seq };
  throw wrong(name, `is ${JSON.stringify(text.slice(0, 64))}: send the id of the last event seen, or 0.`);
}

function wrong(field: string, says: string): Fault {
  return new Fault("invalid", `${field} ${says}`, { field, reason: "CURSOR_INVALID" });
}

/** A failure of the cursor, by the name under which it was given. */
export function named(error: unknown, name: string): unknown {
  if (!(error instanceof Fault) || error.details.field !== "after_seq") return error;
  return new Fault(error.code, error.message.replace(/^after_seq/, name), { ...error.details, field: name });
}
