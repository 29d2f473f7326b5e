import { type Caller, LOCAL_CALLER } from "#domain/caller";

/** What a mount knows about the sender of a request: the headers, by their names in lower case. */
export interface Sender {
  header(name: string): string | undefined;
}

/** Identifies the caller of a request. Called for every request: two on one connection may be of different callers. */
export type Identify = (sender: Sender) => Caller;

/** Without authentication: every request is of the local caller. */
export const everybodyIsLocal: Identify = () => LOCAL_CALLER;
