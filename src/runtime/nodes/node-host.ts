import type { Lane } from "#domain/task/lane";
import type { Core } from "../core.js";
import type { Timers } from "../timers/timers.js";
import type { Mail } from "../turn/turn.js";
import type { FollowedTasks } from "./followed-tasks.js";

/** Whether there are other nodes over the store. */
export interface Others {
  /** True if nobody would hear a wake, as far as is known. */
  readonly isAlone: boolean;
  /** Another node was heard. */
  otherHeard(): void;
}

/** What the parts that deal with other nodes need of the supervisor. */
export interface NodeHost {
  readonly core: Core;
  readonly timers: Timers;
  readonly followed: FollowedTasks;
  readonly nodes: Others | undefined;
  /** False if the mailbox is full; then nothing has happened. */
  post(mail: Mail): boolean;
  /** Other nodes may have left ready Steps in these lanes: undefined for any. @param all true if these are all of the store */
  lanesHeard(lanes: readonly Lane[] | undefined, all?: boolean): void;
  /** Asks the store soon for what other nodes have changed. */
  poll(): void;
}
