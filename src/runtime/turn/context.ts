import type { MessageView } from "#actors/view";
import type { Instant } from "#domain/time/time";
import type { Needs } from "#ports/store";
import type { Core } from "../core.js";
import type { Actors } from "../machines/actors.js";
import type { Journal } from "../memory/journal.js";
import type { Memory } from "../memory/memory.js";
import type { Workspace } from "../memory/workspace.js";
import type { NodeRows } from "../nodes/node-rows.js";
import type { TurnRecorder } from "./recorder.js";

/** The state that a cascade reads and changes, and the read-only view of it that handlers get. */
export interface TurnContext {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly view: MessageView;
  /** What is written for other nodes; undefined if the store is one process's. */
  readonly nodes?: NodeRows;
}

/** What a cascade is decided with. */
export interface CascadeParts {
  readonly core: Pick<Core, "terms" | "telemetry">;
  readonly context: TurnContext;
  readonly actors: Actors;
  readonly journal: Journal;
  readonly at: Instant;
  readonly draw: () => number;
  /** Loads the rows that the turn does not have yet; undefined if it has them all. */
  readonly loadMissing: (needs: Needs) => Promise<void> | undefined;
  /** What inspectors are told; undefined while nobody looks on. */
  readonly recorder: TurnRecorder | undefined;
}
