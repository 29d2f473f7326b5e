import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import { limits } from "#limits/index";

export type HttpResponse = ServerResponse | Http2ServerResponse;

/** True once the response cannot be written any more. Needed because an HTTP/2 response does not show it itself. */
export function isGone(response: HttpResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.destroyed;
}

/**
 * Says by which headers of the request the response varies, beside those that are named already: a host's own server may have. To be
 * called before anything is written; a cache must not give one reader what was meant for another.
 */
export function varyBy(response: HttpResponse, names: readonly string[]): void {
  const before = response.getHeader("vary");
  const said = before === undefined ? [] : [before].flat().flatMap((each) => String(each).split(/\s*,\s*/));
  const known = new Set(said.map((name) => name.trim().toLowerCase()));
  if (known.has("*")) return;
  const added = names.filter((name) => !known.has(name.toLowerCase()));
  if (added.length > 0) response.setHeader("vary", [...said, ...added].join(", "));
}

/** Sends a whole answer at once, as plain text unless its headers say otherwise. */
export function sendText(
  response: HttpResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const all = {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "x-content-type-options": "nosniff",
    ...headers,
  };
  // The two kinds of response have one method of the same shape, which their types do not share.
  if ("stream" in response) response.writeHead(status, all);
  else response.writeHead(status, all);
  response.end(text);
}

/**
 * Ends a response, and its HTTP/2 stream soon after: a peer that never ends its request would keep one of its hundred
 * streams.
 */
export function endResponse(response: HttpResponse): void {
  response.end();
  if (!("stream" in response)) return;
  const { stream } = response;
  const late = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), limits.halfOpen).unref();
  stream.once("close", () => clearTimeout(late));
}
