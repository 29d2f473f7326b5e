import { cors } from "@connectrpc/connect";
import { Fault } from "#domain/fault";
import { readOrigin } from "#domain/text/origin";
import { limits } from "#limits/index";
import type { Admission, HttpRequest } from "./guard.js";
import { type HttpResponse, varyBy } from "./response.js";

/**
 * What pages may send: what clients of Connect and gRPC-Web do, what operations on paths read, the cursor of an event stream that a
 * program reads, a trace, and credentials.
 */
const ALLOWED_HEADERS = [
  ...cors.allowedHeaders,
  "Authorization",
  "Cache-Control",
  "Idempotency-Key",
  "If-None-Match",
  "Last-Event-ID",
  "Traceparent",
  "Tracestate",
  "X-Api-Key",
].join(", ");

/**
 * What pages may read of a response: where Connect and gRPC-Web put errors, its tag, the next page, when to come again, and why it was
 * refused.
 */
const EXPOSED_HEADERS = [
  ...cors.exposedHeaders,
  "ETag",
  "Link",
  "Retry-After",
  "X-Auth-Failure-Reason",
  "X-Auth-Failure-Severity",
].join(", ");

/** The methods of an rpc; those of a page are in the table of routes. */
const RPC_METHODS = ["GET", "POST"];

/**
 * Lets a page of one of these origins read the response, whatever it will be: an error too says why only to who may read
 * it. To be called before anything is written.
 */
export function shareResponse(
  { headers: { origin } }: HttpRequest,
  response: HttpResponse,
  origins: ReadonlySet<string>,
): void {
  if (origins.size === 0) return;
  // Also of a response without the others: a cache must not give it to a page that may read one.
  varyBy(response, ["Origin"]);
  if (origin === undefined || !origins.has(origin)) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
}

/**
 * Answers a preflight of an allowed origin, for any path: what is wrong with the request itself is said in its answer,
 * which the page can read.
 *
 * @param methods those of the path; empty if they are those of an rpc, or if there is no such path
 */
export function sendPreflight(
  { headers }: HttpRequest,
  response: HttpResponse,
  methods: readonly string[],
): void {
  const answer = {
    "access-control-allow-methods": (methods.length > 0 ? methods : RPC_METHODS).join(", "),
    "access-control-allow-headers": ALLOWED_HEADERS,
    "access-control-max-age": String(limits.preflightAge / 1_000),
    // Asked by browsers before a page of the internet reaches into a private network.
    ...(headers["access-control-request-private-network"] === "true" && {
      "access-control-allow-private-network": "true",
    }),
  };
  if ("stream" in response) response.writeHead(204, answer);
  else response.writeHead(204, answer);
  response.end();
}

/**
 * Who may call over HTTP.
 *
 * @param hosts host names in addition to those of the loopback; `*` allows all
 * @param origins origins of web pages on other servers
 * @throws {Fault} `invalid`, naming the origin that is none
 */
export function admissionOf(hosts: readonly string[], origins: readonly string[]): Admission {
  return { hosts: new Set(hosts.map((host) => host.toLowerCase())), origins: new Set(origins.map(asSent)) };
}

/** An origin in the form in which browsers send it. */
function asSent(text: string): string {
  const { origin, problem } = readOrigin(text);
  if (problem === undefined) return origin;
  const message = `allowedOrigins: ${JSON.stringify(text.slice(0, 256))} ${problem}.`;
  throw new Fault("invalid", message, { field: "allowedOrigins", reason: "ORIGIN_INVALID" });
}
