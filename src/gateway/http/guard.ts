import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { isLoopback } from "../connections/address.js";

export type HttpRequest = IncomingMessage | Http2ServerRequest;

/** Why a request is refused before it reaches a handler. */
export interface Refusal {
  readonly status: 400 | 403;
  readonly text: string;
}

/** In a list of allowed hosts, stands for every name. */
const ANY = "*";

/**
 * Protects a listener without authentication from web pages (cross-origin requests and DNS rebinding): a page can
 * make a browser send requests here, from its own origin, or under a host name that it has pointed at this machine.
 * Both show in the headers; only host names of this machine, or configured ones, are accepted. Where every host name is
 * allowed, a page may still call only the host that it came from.
 *
 * @param allowedHosts names in lower case; `*` allows all
 * @returns why the request must be refused, or undefined
 */
export function refusalOf(request: HttpRequest, allowedHosts: ReadonlySet<string>): Refusal | undefined {
  const authority = authorityOf(request);
  const host = hostnameOf(`http://${authority}`);
  if (authority === undefined || host === undefined) {
    return { status: 400, text: "The request names no valid host. Send a Host (or :authority) header.\n" };
  }
  const allowed = (name: string) => isLoopback(name) || allowedHosts.has(name);
  if (!allowed(host) && !allowedHosts.has(ANY)) {
    const text = `Host ${host} is not served here. Use a loopback name such as localhost, or add it to the allowed hosts.\n`;
    return { status: 403, text };
  }

  const { origin } = request.headers;
  if (origin === undefined) return undefined;
  const page = hostnameOf(origin);
  if (page !== undefined && (allowed(page) || (page === host && allowedHosts.has(ANY)))) return undefined;
  const text =
    "Requests from this web page's origin are refused. Add its host to the allowed hosts to permit them.\n";
  return { status: 403, text };
}

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
