import type { Sender } from "../caller.js";
import type { RemotePeer } from "../connections/remote-peer.js";
import type { HttpRequest } from "./guard.js";

/** The query parameter of a token for one Task. It must not be shown anywhere. */
export const WATCH_TOKEN = "access_token";

/**
 * Who asks for a page, as far as the request says so.
 *
 * @param asked the path of its route
 * @param params the decoded parameters of the path
 * @param peer the other end of the connection, if it is known
 */
export function senderOf(
  asked: string,
  request: HttpRequest,
  params: Readonly<Record<string, string>>,
  peer?: RemotePeer,
): Sender {
  const text = queryOf(request).get(WATCH_TOKEN);
  return {
    asked,
    header: (name) => request.headers[name]?.toString(),
    peer,
    ...(text !== null && { watchToken: { text, taskId: params.id ?? "" } }),
  };
}

export function queryOf({ url = "" }: HttpRequest): URLSearchParams {
  const at = url.indexOf("?");
  return new URLSearchParams(at === -1 ? "" : url.slice(at + 1));
}
