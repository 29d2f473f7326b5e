import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { isLoopback } from "../connections/address.js";

export type HttpRequest = IncomingMessage | Http2ServerRequest;

/** Why a request is refused before it reaches a handler. */
export interface Refusal {
  readonly status: 400 | 403;
  readonly text: string;
  /** For programs. */
  readonly reason: "HOST_INVALID" | "HOST_NOT_ALLOWED" | "ORIGIN_NOT_ALLOWED";
}

/** Under which names a server may be called over HTTP, and by which web pages. */
export interface Admission {
  /** In lower case; `*` stands for every name. */
  readonly hosts: ReadonlySet<string>;
  /** As browsers send them. */
  readonly origins: ReadonlySet<string>;
}

/** In a list of allowed hosts, stands for every name. */
const ANY = "*";

/**
 * Protects a listener without authentication from web pages (cross-origin requests and DNS rebinding): a page can
 * make a browser send requests here, from its own origin, or under a host name that it has pointed at this machine.
 * Both show in the headers; only host names of this machine, or configured ones, are accepted. Where every host name is
 * allowed, a page may still call only the host that it came from.
 *
 * A page of an accepted host is let in because a proxy may have changed the name under which the page has called its own
 * server. A preflight shows that it calls another one, which only allowed origins may.
 *
 * @returns why the request must be refused, or undefined
 */
export function refusalOf(request: HttpRequest, { hosts, origins }: Admission): Refusal | undefined {
  const authority = authorityOf(request);
  const host = hostnameOf(`http://${authority}`);
  if (authority === undefined || host === undefined) {
    const text = "The request names no valid host. Send a Host (or :authority) header.\n";
    return { status: 400, text, reason: "HOST_INVALID" };
  }
  const allowed = (name: string) => isLoopback(name) || hosts.has(name);
  if (!allowed(host) && !hosts.has(ANY)) {
    const text = `Host ${host} is not served here. Use a loopback name such as localhost, or add it to the allowed hosts.\n`;
    return { status: 403, text, reason: "HOST_NOT_ALLOWED" };
  }

  const { origin } = request.headers;
  if (origin === undefined || origins.has(origin)) return undefined;
  const page = hostnameOf(origin);
  const known = page !== undefined && (allowed(page) || (page === host && hosts.has(ANY)));
  const refused = { status: 403, text: originRefused(origin), reason: "ORIGIN_NOT_ALLOWED" } as const;
  return known && !isPreflight(request) ? undefined : refused;
}

/** True for the question that a browser asks before it lets a page send a request to another origin. */
export function isPreflight({ method, headers }: HttpRequest): boolean {
  return (
    method === "OPTIONS" &&
    headers.origin !== undefined &&
    headers["access-control-request-method"] !== undefined
  );
}

function originRefused(origin: string): string {
  if (origin === "null") {
    return "Pages without an origin, such as files and sandboxed frames, may not call this server: serve the page from an address, and add that to allowed-origins.\n";
  }
  const shown = origin.slice(0, SHOWN_CHARS);
  return `Web pages of ${shown} may not call this server. To permit them, add the origin to the setting allowed-origins (--allowed-origins ${shown}), or to the option allowedOrigins of an embedded plane.\n`;
}

/** What a request says of its page is cut to this length. */
const SHOWN_CHARS = 256;

function authorityOf(request: HttpRequest): string | undefined {
  return "authority" in request ? request.authority || request.headers.host : request.headers.host;
}

/** The host of a URL in the form that `isLoopback` and the allowed hosts use; undefined if it has none. */
function hostnameOf(url: string): string | undefined {
  try {
    const { hostname, username, password } = new URL(url);
    return username || password ? undefined : hostname;
  } catch {
    return undefined;
  }
}
