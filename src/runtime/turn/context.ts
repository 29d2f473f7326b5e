import type { MessageView } from "#actors/view";
import type { Memory } from "../memory/memory.js";
import type { Workspace } from "../memory/workspace.js";

/** The state that a cascade reads and changes, and the read-only view of it that handlers get. */
export interface TurnContext {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly view: MessageView;
}
