import type { MessageView } from "#actors/view";
import type { Memory } from "../memory/memory.js";
import type { Workspace } from "../memory/workspace.js";

/** What a cascade works on, and what its messages may see of it. */
export interface TurnContext {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly view: MessageView;
}
