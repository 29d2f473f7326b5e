import { setTimeout as pause } from "node:timers/promises";
import { readsOf } from "#api/use-case";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { taskNotFound } from "#domain/refusals";
import type { InspectionHub } from "#inspect/hub";
import type { Viewer } from "#inspect/viewer";
import { limits } from "#limits/index";
import type { StreamCall } from "../rpc.js";
import type { ServerEvent } from "./event-writer.js";
import { inspectPageRoutes } from "./inspect-page.js";
import { replayFeed } from "./inspect-replay.js";
import type { Page } from "./pages.js";
import type { Route } from "./router.js";
import { type EventFeed, type EventsParts, type EventsRequest, eventsPage } from "./sse.js";

export interface InspectParts extends EventsParts {
  readonly hub: Pick<InspectionHub, "attach" | "replay">;
}

/** Everything under `/inspect`. */
export function inspectRoutes({ hub, ...parts }: InspectParts): Route<Page>[] {
  return [
    {
      methods: ["GET"],
      path: "/inspect/events",
      handler: eventsPage({ name: "inspect/events", path: "/inspect/events" }, feedOf(hub), parts),
    },
    {
      methods: ["GET"],
      path: "/inspect/tasks/{id}/events",
      handler: eventsPage(
        { name: "inspect/replay", path: "/inspect/tasks/{id}/events" },
        replayFeed(hub),
        parts,
      ),
    },
    ...inspectPageRoutes(),
  ];
}

/**
 * What the plane does, from now on: `inspect`, an event of the inspector's protocol as JSON; and `dropped`, with the number
 * of events that the reader has missed because it reads too slowly. The query `task` chooses one Task.
 */
function feedOf(hub: InspectParts["hub"]): EventFeed {
  return async (asked, call) => {
    // Everything is shown, so that only who may see everything may look.
    if (call.caller.namespaces !== "*") throw notForSome();
    const taskId = taskOf(asked);
    if (taskId && !(await readsOf(call).task(taskId))) throw taskNotFound(taskId);
    const viewer = hub.attach(taskId ? { taskId } : {});
    if (!viewer) throw tooMany();
    call.signal.addEventListener("abort", () => viewer.close());
    if (call.signal.aborted) viewer.close();
    return batches(viewer, call.signal);
  };
}

/** What waits for the viewer, a batch at a time, so that a server under load makes few large writes. */
async function* batches(
  viewer: Viewer,
  signal: StreamCall["signal"],
): AsyncGenerator<readonly ServerEvent[], void> {
  let wake = () => {};
  viewer.onReady = () => wake();
  signal.addEventListener("abort", () => wake());
  while (!signal.aborted) {
    const { dropped, items } = viewer.take();
    const lost = dropped > 0 ? [{ event: "dropped", data: JSON.stringify({ count: dropped }) }] : [];
    const events = [...lost, ...items.map(({ json: data }) => ({ event: "inspect", data }))];
    if (events.length > 0) yield events;
    await pause(limits.inspectEvery, undefined, { signal, ref: false }).catch(() => undefined);
    if (!viewer.isIdle || signal.aborted) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

/** @throws {Fault} `invalid` */
function taskOf({ query }: EventsRequest): TaskId | undefined {
  for (const name of query.keys()) {
    if (name !== "task") throw wrong(name.slice(0, 64), "is no parameter of this path; there is task.");
  }
  const [id, ...more] = query.getAll("task");
  if (more.length > 0) throw wrong("task", "is given more than once: send one id, or none for all tasks.");
  if (id === "") throw wrong("task", "is empty: send the id of a task, or leave it out for all tasks.");
  return id as TaskId | undefined;
}

function wrong(field: string, says: string): Fault {
  return new Fault("invalid", `${field} ${says}`, { field });
}

function notForSome(): Fault {
  return new Fault(
    "denied",
    "what is inspected is of all namespaces: only who may use all of them may look.",
  );
}

function tooMany(): Fault {
  const message = `${limits.inspectViewers} look on already, as many as may: close one of them first.`;
  return new Fault("unavailable", message, { reason: "TOO_MANY_VIEWERS", retryAfter: limits.retryAfter });
}
