import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { endAtExpiry } from "../access/expiry.js";
import type { HttpRequest } from "../http/guard.js";
import type { Outgoing } from "../http/outgoing.js";
import type { Page, PageCall } from "../http/pages.js";
import { sendProblem } from "../http/problem.js";
import { isGone, sendText } from "../http/response.js";
import { queryOf, senderOf } from "../http/sender.js";
import { CANCELLED, drainingFault, Meter, OK, type Outcome } from "../outcome.js";
import { type Call, callBy, type Rpc, type Served } from "../rpc.js";
import type { OpenStream, OpenStreams } from "../traffic/streams.js";
import { isKnown, tagOf } from "./etag.js";
import type { Ask, RestAnswer, RestOperation, RestRequest } from "./operation.js";
import { bodyUnexpected } from "./transcode.js";

export interface RestParts {
  /** All that may be asked. */
  readonly rpcs: readonly Rpc[];
  readonly served: Served;
  readonly streams: OpenStreams;
}

/** An operation as a page of HTTP. Whoever mounts it has asked before whether the caller may, by the name of the rpc. */
export function restPage(operation: RestOperation, parts: RestParts): Page {
  const { served } = parts;
  const { rpc } = operation;
  const meter = new Meter(served.telemetry, rpc, "rest");
  const handlers = new Map(parts.rpcs.map((each) => [each.method as object, each]));
  return async (page) => {
    const beganAt = performance.now();
    let outcome: Outcome = OK;
    let wait: OpenStream | undefined;
    // One for all of the request: the size of what is sent takes the place of what was reserved for it.
    const outgoing = page.outgoing(true);
    try {
      if (served.health.draining && operation.method !== "GET") throw drainingFault();
      const waits = operation.waits?.(queryOf(page.request)) ?? rpc.waits;
      wait = waits ? parts.streams.openWait(goneSignal(page)) : undefined;
      const call = await callOf(operation, page, { served, outgoing });
      wait?.belongTo(call.caller);
      if (wait) endAtExpiry(wait, call.caller);
      const asking = wait ? { ...call, signal: wait } : call;
      const request = await requestOf(operation, page);
      const answer = await operation.perform(request, askBy(handlers, asking), asking);
      if (!isGone(page.response)) send(answer, operation, page, outgoing);
    } catch (error) {
      const isLeft = isGone(page.response) && !wait?.fault;
      const failure = isLeft ? CANCELLED : meter.outcomeOf(wait?.fault ?? error);
      outcome = failure;
      if (!isGone(page.response)) sendProblem(page.response, failure.fault);
    } finally {
      if (wait) parts.streams.close(wait);
      meter.count(outcome);
      meter.time(beganAt);
    }
  };
}

/** Aborts when the peer is gone. */
function goneSignal({ response }: PageCall): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return gone.signal;
}

/** What the policy calls an operation. */
export function askedOf({
  rpc: { method },
  asked = `${method.parent.typeName}/${method.name}`,
}: RestOperation): string {
  return asked;
}

function callOf(
  operation: RestOperation,
  { request, params, remote }: PageCall,
  { served, outgoing }: { readonly served: Served; readonly outgoing: Outgoing },
): Call | Promise<Call> {
  const { services, telemetry, health, identify } = served;
  const sender = senderOf(askedOf(operation), request, params, remote);
  const rest = {
    ...{ services, telemetry, health },
    reserve: (bytes: number) => outgoing.reserve(bytes),
    traceparent: () => sender.header("traceparent"),
    address: remote?.address,
  };
  return callBy(rest, identify(sender));
}

function askBy(handlers: ReadonlyMap<object, Rpc>, call: Call): Ask {
  const ask = async (method: DescMethodUnary, request: Message): Promise<Message> => {
    const rpc = handlers.get(method);
    if (rpc?.kind !== "unary") throw new Error(`${method.name} is not served`);
    return rpc.handle(request, call);
  };
  return ask as Ask;
}

async function requestOf({ method }: RestOperation, page: PageCall): Promise<RestRequest> {
  const { request, params, base } = page;
  const header = (name: string) => request.headers[name]?.toString();
  const takesBody = method !== "GET" && method !== "DELETE";
  if (!takesBody && hasBody(request)) throw bodyUnexpected();
  const body = takesBody ? await bodyOf(page) : NO_BODY;
  return { params, query: queryOf(request), body, base, header };
}

const NO_BODY = Buffer.alloc(0);

/** True if the request announces a body: one whose length is left open counts, since it would be lost unread. */
function hasBody(request: HttpRequest): boolean {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  if (length !== undefined) return Number(length) !== 0;
  return "stream" in request ? !request.stream.endAfterHeaders : coding !== undefined;
}

async function bodyOf({ request, body }: PageCall): Promise<Buffer> {
  const { "content-type": type, "content-encoding": encoding = "identity" } = request.headers;
  if (encoding !== "identity") throw notTaken("content-encoding", encoding, "send the body as it is");
  const bytes = await body(limits.messageBytes);
  // A page of another origin can send any other type without asking first.
  const isJson = /^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type ?? "");
  if (bytes.length > 0 && !isJson) throw notTaken("content-type", type ?? "", "send application/json");
  return bytes;
}

function notTaken(header: string, value: string, advice: string): Fault {
  const message = `${header} is ${JSON.stringify(value.slice(0, 64))}: ${advice}.`;
  return new Fault("invalid", message, { field: header, reason: "UNSUPPORTED_MEDIA_TYPE" });
}

function send(
  { status = 200, json, headers }: RestAnswer,
  { method }: RestOperation,
  { request, response }: PageCall,
  outgoing: Outgoing,
): void {
  const text = `${json}\n`;
  const tag = method === "GET" && status === 200 ? tagOf(text) : undefined;
  const all = {
    "content-type": "application/json",
    // What is kept must be asked for again, and is this caller's alone.
    "cache-control": tag === undefined ? "no-store" : "private, no-cache",
    ...(tag !== undefined && { etag: tag }),
    ...headers,
  };
  if (tag !== undefined && isKnown(request.headers["if-none-match"], tag)) {
    response.writeHead(304, { "cache-control": all["cache-control"], etag: tag });
    response.end();
    return;
  }
  outgoing.count(Buffer.byteLength(text));
  sendText(response, status, text, all);
}
