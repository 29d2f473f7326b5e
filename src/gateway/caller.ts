import { type Caller, LOCAL_CALLER } from "#domain/caller";

/** What a mount knows of who sends a request: its headers, by their names in lower case. */
export interface Sender {
  header(name: string): string | undefined;
}

/** Who sends a request. A server asks it for every request: two on one connection may be two callers. */
export type Identify = (sender: Sender) => Caller;

/** Nobody says who they are, so everybody who reaches a listener is the same. */
export const everybodyIsLocal: Identify = () => LOCAL_CALLER;
