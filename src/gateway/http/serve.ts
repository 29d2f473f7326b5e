import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import { Fault } from "#domain/fault";
import type { Telemetry } from "#ports/telemetry";
import type { Identify, Sender } from "../caller.js";
import { Deadline, readTimeout } from "../deadline.js";
import type { Traffic } from "../traffic/traffic.js";
import { bodyOf, readBody } from "./body.js";
import { peerKey } from "./connect.js";
import { sendPreflight, shareResponse } from "./cors.js";
import { type Admission, type HttpRequest, isPreflight, refusalOf } from "./guard.js";
import { Outgoing } from "./outgoing.js";
import type { Page } from "./pages.js";
import type { HttpPeer } from "./peer.js";
import { sendNotServed, sendProblem, sendRefused } from "./problem.js";
import { ReceivedMessages } from "./received.js";
import { endResponse, type HttpResponse, isGone } from "./response.js";
import type { Router } from "./router.js";
import { senderOf } from "./sender.js";

/** The handler of a path: an rpc in any protocol over HTTP, or a page. */
export type HttpHandler =
  | { readonly kind: "rpc"; readonly handler: UniversalHandler }
  /** `asked` is what the policy calls it: an rpc, or a path. */
  | { readonly kind: "page"; readonly page: Page; readonly asked: string };

export interface ServeParts {
  readonly router: Router<HttpHandler>;
  readonly admission: Admission;
  readonly telemetry: Telemetry;
  readonly traffic: Traffic;
  readonly identify: Identify;
}

/** One request, and the connection that it came on. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly peer: HttpPeer;
  /** The path to be served, without a query. */
  readonly path: string;
  /** The path before it, where a host serves everything under one. */
  readonly base?: string;
}

/** Answers a request. Never rejects: a response that fails is cut short. */
export async function serveHttp(exchange: Exchange, parts: ServeParts): Promise<void> {
  try {
    await serve(exchange, parts);
  } catch (error) {
    const { response, path } = exchange;
    parts.telemetry.log.debug("an HTTP response was cut short", { err: error });
    if (response.headersSent) response.destroy();
    else sendRefused(response, path, FAILED_INSIDE);
  }
}

const FAILED_INSIDE = {
  status: 500,
  text: "Something failed inside; the server's log says what.\n",
  reason: "INTERNAL",
} as const;

/** The path of a request, without its query. */
export function pathOf({ url = "" }: HttpRequest): string {
  const [path = ""] = url.split("?", 1);
  return path;
}

async function serve(
  { request, response, peer, path, base = "" }: Exchange,
  parts: ServeParts,
): Promise<void> {
  // The response of a peer that is gone emits an error, which is ignored: writers check `isGone`.
  response.on("error", () => undefined);
  shareResponse(request, response, parts.admission.origins);
  const refusal = refusalOf(request, parts.admission);
  if (refusal) {
    sendRefused(response, path, refusal);
    return;
  }
  const { method = "" } = request;
  const routed = parts.router.find(method, path);
  if (isPreflight(request)) return sendPreflight(request, response, routed.found ? [] : routed.allowed);
  if (!routed.found) return sendNotServed(response, method, path, routed.allowed);
  if (routed.handler.kind === "page") {
    const sender = senderOf(routed.handler.asked, request, routed.parts, peer.remote);
    const refused = await refusedBy(parts.identify, sender);
    if (refused) return sendProblem(response, refused);
    const outgoing = (single: boolean) => new Outgoing(response, parts.traffic, single, peer);
    const body = (most: number) => readBody(request, most, peer, parts.traffic);
    return routed.handler.page({
      request,
      response,
      params: routed.parts,
      base,
      outgoing,
      body,
      remote: peer.remote,
    });
  }
  return serveRpc(routed.handler.handler, request, response, parts.traffic, peer);
}

/** Why the caller may not ask for a page; undefined if it may. */
async function refusedBy(identify: Identify, sender: Sender): Promise<Fault | undefined> {
  try {
    await identify(sender);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

async function serveRpc(
  handler: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
  traffic: Traffic,
  peer: HttpPeer,
): Promise<void> {
  const single = handler.method.methodKind !== "bidi_streaming";
  const outgoing = new Outgoing(response, traffic, handler.method.methodKind === "unary", peer);
  const received = new ReceivedMessages();
  const { deadline, problem } = deadlineOf(request);
  const contextValues = createContextValues().set(peerKey, {
    received,
    sendHeaders: (header) => writeHead(response, { status: 200, header }),
    hangUp: () => response.destroy(),
    identified: () => peer.identified(),
    reserve: (bytes) => outgoing.reserve(bytes),
    remote: peer.remote,
    deadline,
  });
  const universal = universalRequestFromNodeRequest(request, response, undefined, contextValues);
  for (const name of timeoutHeaders) universal.header.delete(name);
  if (request.method === "POST") {
    const { input } = handler.method;
    const carried = (bytes: number) => peer.carried(bytes);
    const wanted = () => !isGone(response);
    const body = { input, single, traffic, received, carried, wanted, deadline, problem };
    universal.body = bodyOf(request, universal.header, body);
  }
  try {
    await writeAnswer(await handler(universal), response, outgoing);
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Aborted) throw error;
  } finally {
    deadline?.clear();
  }
}

const timeoutHeaders = ["grpc-timeout", "connect-timeout-ms"] as const;

/** The deadline of a request, or what is wrong with it. */
function deadlineOf({ headers }: HttpRequest): { deadline?: Deadline; problem?: Fault } {
  const isGrpc = /^application\/grpc/i.test(headers["content-type"] ?? "");
  const name = isGrpc ? "grpc-timeout" : "connect-timeout-ms";
  try {
    const ms = readTimeout(name, headers[name]?.toString());
    return ms === undefined ? {} : { deadline: new Deadline(ms) };
  } catch (error) {
    return { problem: error as Fault };
  }
}

/** Like connect-node's function, but the headers may have been sent before. */
async function writeAnswer(
  answer: UniversalServerResponse,
  response: HttpResponse,
  outgoing: Outgoing,
): Promise<void> {
  writeHead(response, answer);
  for await (const chunk of answer.body ?? []) {
    await outgoing.write(chunk);
    if (isGone(response)) break;
  }
  if (isGone(response)) return;
  if (answer.trailer) response.addTrailers(Object.fromEntries(new Headers(answer.trailer)));
  endResponse(response);
}

function writeHead(
  response: HttpResponse,
  { status, header }: Pick<UniversalServerResponse, "status" | "header">,
): void {
  if (response.headersSent || isGone(response)) return;
  const headers = Object.fromEntries(new Headers(header));
  if ("stream" in response) {
    response.writeHead(status, headers);
  } else {
    response.writeHead(status, headers);
    response.flushHeaders();
  }
}
