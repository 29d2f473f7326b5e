import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";

export type HttpResponse = ServerResponse | Http2ServerResponse;

/** True once nobody can be told anything by it. A response over HTTP/2 does not say so itself. */
export function isGone(response: HttpResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.destroyed;
}
