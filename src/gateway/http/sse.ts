import type { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { endAtExpiry } from "../access/expiry.js";
import { CANCELLED, Meter, OK, type Outcome } from "../outcome.js";
import { callBy, type Served, type StreamCall } from "../rpc.js";
import type { OpenStream, OpenStreams } from "../traffic/streams.js";
import { takesAny } from "./accept.js";
import { commentOf, EventWriter, RETRY, type ServerEvent } from "./event-writer.js";
import type { HttpRequest } from "./guard.js";
import type { Page, PageCall } from "./pages.js";
import { sendProblem, sendRefused } from "./problem.js";
import { endResponse, isGone } from "./response.js";
import { queryOf, senderOf, WATCH_TOKEN } from "./sender.js";

/** What was asked of a path that answers with events. */
export interface EventsRequest {
  /** The decoded parameters of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The id of the last event that the reader has seen, if it comes back after a lost connection. */
  readonly lastEventId: string | undefined;
}

/**
 * The events that answer a request; those of a list are written at once. They end soon after the signal of the call aborts; nothing is buffered for a reader
 * that does not read but the event that is being written.
 *
 * @returns undefined if nothing follows: then the reader is told not to come back
 * @throws {Fault} by the promise, before the first event; the answer is then the failure, with its status
 */
export type EventFeed = (
  asked: EventsRequest,
  call: StreamCall,
) => Promise<AsyncIterable<ServerEvent | readonly ServerEvent[]> | undefined>;

export interface EventsParts {
  readonly served: Served;
  readonly streams: OpenStreams;
}

/**
 * The page of a path that answers with server-sent events, as browsers read them by `EventSource`. It counts as an open
 * stream: one bound and one drain serve all. A reader whose stream ends without having been told so comes back by itself,
 * with the id of the last event.
 *
 * @param route its name in metrics, and its path
 */
export function eventsPage(
  { name, path }: { readonly name: string; readonly path: string },
  feed: EventFeed,
  { served, streams }: EventsParts,
): Page {
  const meter = new Meter(served.telemetry, name, "http");
  return async (page) => {
    if (!acceptsEvents(page.request)) return sendRefused(page.response, path, NOT_ACCEPTED);
    const open = streams.open();
    const forget = endWithPeer(page, open);
    let outcome: Outcome = CANCELLED;
    try {
      if (open.fault) throw open.fault;
      const call = await callOf(path, page, open, served);
      open.belongTo(call.caller);
      endAtExpiry(open, call.caller);
      const events = await feed(askedOf(page), call);
      if (events) await send(events, page, open.signal);
      else sendNothing(page);
      outcome = open.signal.aborted ? CANCELLED : OK;
    } catch (error) {
      outcome = open.signal.aborted ? CANCELLED : meter.outcomeOf(error);
    } finally {
      if (open.fault) outcome = meter.outcomeOf(open.fault);
      streams.close(open);
      forget();
      meter.count(outcome);
    }
    finish(page, outcome);
  };
}

const NOT_ACCEPTED = {
  status: 406,
  text: "This path answers with server-sent events. Send Accept: text/event-stream, or none.\n",
  reason: "NOT_ACCEPTABLE",
} as const;

const EVENTS = "text/event-stream";

function acceptsEvents({ headers: { accept } }: HttpRequest): boolean {
  return accept === undefined || (takesAny(accept, [EVENTS, "text/*", "*/*"]) ?? false);
}

/** What the answer of a path depends on that has its events as a stream and as a list: see {@link wantsEvents}. */
export const EVENTS_VARY = ["Accept", "Last-Event-ID"];

/** True if the reader says that it reads events, or that it has read some: an EventSource always does. */
export function wantsEvents({ headers }: HttpRequest): boolean {
  const { accept = "", "last-event-id": seen } = headers;
  return takesAny(accept, [EVENTS]) ?? seen !== undefined;
}

/** Ends the stream when the peer is gone, and cuts a peer that does not read soon after the stream has ended. */
function endWithPeer({ response }: PageCall, open: OpenStream): () => void {
  const gone = () => open.gone();
  let hangingUp: NodeJS.Timeout | undefined;
  response.once("close", gone);
  open.signal.addEventListener("abort", () => {
    hangingUp = setTimeout(() => response.destroy(), limits.lastMessage);
  });
  return () => {
    response.off("close", gone);
    clearTimeout(hangingUp);
  };
}

function askedOf({ request, params }: PageCall): EventsRequest {
  const query = queryOf(request);
  // It has been looked at, and is nobody else's.
  query.delete(WATCH_TOKEN);
  return { params, query, lastEventId: headerOf(request, "last-event-id") || undefined };
}

function callOf(
  asked: string,
  { request, params, remote }: PageCall,
  open: OpenStream,
  served: Served,
): StreamCall | Promise<StreamCall> {
  const { services, telemetry, health, identify } = served;
  const rest = {
    services,
    telemetry,
    health,
    // A stream's events count as they are written.
    reserve: () => undefined,
    signal: open.signal,
    end: (fault: Fault) => open.end(fault),
    keep: (bytes: number) => open.keep(bytes),
    identified: () => undefined,
  };
  return callBy(rest, identify(senderOf(asked, request, params, remote)));
}

function headerOf({ headers }: HttpRequest, name: string): string | undefined {
  return headers[name]?.toString();
}

async function send(
  events: AsyncIterable<ServerEvent | readonly ServerEvent[]>,
  page: PageCall,
  signal: AbortSignal,
): Promise<void> {
  const writer = new EventWriter(page.outgoing(false));
  writeHead(page);
  if (page.request.method === "HEAD") return;
  try {
    await writer.begin();
    for await (const event of events) {
      await writer.write([event].flat());
      if (signal.aborted || isGone(page.response)) return;
    }
  } finally {
    writer.stop();
  }
}

const HEADERS = {
  "content-type": EVENTS,
  // Proxies must neither keep events nor wait for more of them.
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

function writeHead({ response }: PageCall): void {
  if ("stream" in response) {
    response.writeHead(200, HEADERS);
  } else {
    response.writeHead(200, HEADERS);
    response.flushHeaders();
  }
}

/** Tells an EventSource not to come back. */
function sendNothing({ response }: PageCall): void {
  response.statusCode = 204;
  endResponse(response);
}

/** Ends the response, with what went wrong if something did. */
function finish(page: PageCall, { fault }: Outcome): void {
  const { request, response } = page;
  if (isGone(response) || response.writableEnded) return;
  if (fault && !response.headersSent) {
    // An EventSource gives up at any status but 200: one that has been here before is told to come again.
    const returns = headerOf(request, "last-event-id") !== undefined && fault.again === "later";
    if (!returns) {
      sendProblem(response, fault);
      return;
    }
    writeHead(page);
  }
  if (fault) void page.outgoing(false).write(Buffer.from(RETRY + commentOf(fault.message)));
  endResponse(response);
}
