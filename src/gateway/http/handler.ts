import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Fault } from "#domain/fault";
import { AnswerQuota } from "../traffic/answer-admission.js";
import type { OpenRequests } from "../traffic/open-requests.js";
import { shareResponse } from "./cors.js";
import type { HttpPeer } from "./peer.js";
import { sendNotServed, sendRefused } from "./problem.js";
import { isGone } from "./response.js";
import { pathOf, type ServeParts, serveHttp } from "./serve.js";

/**
 * Answers a request of a server of the host's, over HTTP/1.1 or HTTP/2. `next` is called for a path that is not served
 * here; without it, the answer is 404.
 */
export type RequestHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  next?: (error?: unknown) => void,
) => void;

export interface HandlerOptions {
  /** The path under which everything is served, for example `/taskrun`. Default: none. */
  readonly prefix?: string;
  /** Host names, in addition to loopback ones, under which it may be called; `*` allows all. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages on other servers that may call it, e.g. `https://app.example`. */
  readonly allowedOrigins?: readonly string[];
}

export interface HandlerParts extends ServeParts {
  readonly requests: OpenRequests;
}

/** A request as web frameworks change it: they remove the path at which a handler is mounted from `url`. */
type Framed = (IncomingMessage | Http2ServerRequest) & { readonly baseUrl?: string };

/** Nothing to tell: the host's server bounds its connections. */
class HostPeer implements HttpPeer {
  readonly quota = new AnswerQuota();

  identified(): void {}

  carried(): void {}

  sent(): void {}
}

/** @param prefix from {@link checkedPrefix} */
export function requestHandler(parts: HandlerParts, prefix: string): RequestHandler {
  const peers = new WeakMap<object, HostPeer>();
  const peerOf = (connection: object): HostPeer => {
    const known = peers.get(connection) ?? new HostPeer();
    peers.set(connection, known);
    return known;
  };
  return (request, response, next) => {
    const path = pathUnder(prefix, request);
    const routed = path === undefined ? undefined : parts.router.find(request.method ?? "", path);
    const served = routed?.found || (routed?.allowed.length ?? 0) > 0;
    if (path === undefined || (!served && next)) {
      if (next) return next();
      shareResponse(request, response, parts.admission.origins);
      return sendNotServed(response, request.method ?? "", path ?? pathOf(request), []);
    }
    if (request.readableDidRead || request.readableEnded) {
      parts.telemetry.log.error(BODY_READ, { path });
      shareResponse(request, response, parts.admission.origins);
      sendRefused(response, path, { status: 500, text: `${BODY_READ}\n`, reason: "BODY_READ_BEFORE" });
      return;
    }
    // What the host did before may have taken time: of a peer that has gone meanwhile there is no `close` to come.
    if (isGone(response) || response.writableEnded) return;
    const done = parts.requests.open(() => response.destroy());
    response.once("close", done);
    const peer = peerOf("stream" in request ? (request.stream.session ?? request.stream) : request.socket);
    const { baseUrl = "" } = request as Framed;
    const base = path === pathOf(request) ? baseUrl : `${baseUrl}${prefix}`;
    void serveHttp({ request, response, peer, path, base }, parts);
  };
}

const BODY_READ =
  "The body of this request was read before it came to TaskRun: mount its handler before anything that parses bodies.";

/** The path after the prefix; undefined if it is not under the prefix. */
function pathUnder(prefix: string, request: Framed): string | undefined {
  const path = pathOf(request);
  if (prefix === "") return path;
  if (path === prefix) return "/";
  if (path.startsWith(`${prefix}/`)) return path.slice(prefix.length);
  return request.baseUrl?.endsWith(prefix) ? path : undefined;
}

/**
 * The prefix of {@link HandlerOptions}, without a slash at its end.
 *
 * @throws {Fault} `invalid` if it is no path
 */
export function checkedPrefix(prefix: unknown): string {
  if (prefix === undefined || prefix === "" || prefix === "/") return "";
  const path =
    typeof prefix === "string" ? /^((?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+)\/?$/.exec(prefix) : null;
  if (path?.[1] !== undefined) return path[1];
  const shown = JSON.stringify(prefix)?.slice(0, 64) ?? typeof prefix;
  throw new Fault("invalid", `prefix is ${shown}: write a path such as /taskrun.`, { field: "prefix" });
}
