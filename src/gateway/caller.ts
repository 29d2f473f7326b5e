import { type Caller, LOCAL_CALLER } from "#domain/caller";
import type { RemotePeer } from "./connections/remote-peer.js";

/** What a mount knows about the sender of a request: the headers, by their names in lower case. */
export interface Sender {
  /** The rpc, as `taskrun.v1.TaskService/GetTask`, or the route, as `/v1/tasks/{id}/events`. */
  readonly asked: string;
  header(name: string): string | undefined;
  /** What a route got that takes a token for one Task: the token, and the Task of its path. */
  readonly watchToken?: { readonly text: string; readonly taskId: string } | undefined;
  /** The other end of the connection; absent in this process, and on a server of the host's. */
  readonly peer?: RemotePeer | undefined;
}

/**
 * Identifies the caller of a request, and sees that it may ask for this at all. Called for every request: two on one
 * connection may be of different callers. A promise only where that takes more than memory.
 *
 * @throws {Fault} `unauthenticated`, `denied` or `unavailable`, at once or by the promise
 */
export type Identify = (sender: Sender) => Caller | Promise<Caller>;

/** Without authentication: every request is of the local caller. A credential that is sent is ignored. */
export const everybodyIsLocal: Identify = () => LOCAL_CALLER;
