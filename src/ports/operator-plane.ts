import type { Caller } from "#domain/caller";
import type { WorkerId } from "#domain/id";
import type { Pause, PauseScope } from "#domain/pause/pause";
import type { PauseSet } from "#domain/pause/pause-set";
import type { RunRow } from "#domain/task/run";
import type { Staleness } from "#domain/task/staleness";
import type { ReadyStep } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import type { WorkerAnswer } from "#domain/worker/refusal";
import type { TaskDetail } from "./store.js";

/* The part of the plane that is about what is held back, and why something does not go on. Import it from `plane.ts`. */

/**
 * Holds Steps back from workers, and lets them go again.
 *
 * @example
 * ```ts
 * import type { PausePlane } from "taskrun/ports/plane";
 *
 * const reasons = (plane: PausePlane): string[] => plane.pauses().all().map(({ reason }) => reason);
 * ```
 */
export interface PausePlane {
  /**
   * Gives nothing of the scope to workers from now on. Another pause of the same scope is replaced.
   *
   * @throws {Fault} `overloaded` if there are as many pauses as there may be
   */
  pause(caller: Caller, pause: Pick<Pause, "scope" | "reason" | "until">): Promise<Pause>;

  /** Ends the pause of a scope. Resolves with the pause that has ended; with undefined if this node knew of none. */
  resume(caller: Caller, scope: PauseScope): Promise<Pause | undefined>;

  /** All pauses, as the last commit left them; of other nodes of the store those of a few seconds ago. */
  pauses(): PauseSet;

  /** Whose worker this is: the caller's own, and if the caller may direct all, whoever's is connected. */
  ownerOf(caller: Caller, workerId: WorkerId): Promise<string>;
}

/**
 * Tells what only memory knows of why a Step does not run.
 *
 * @example
 * ```ts
 * import type { ExplainPlane } from "taskrun/ports/plane";
 *
 * const secondsLeft = (plane: ExplainPlane, until: number) => Math.max(0, until - plane.now()) / 1_000;
 * ```
 */
export interface ExplainPlane {
  /** Plane time, by which rows are dated. */
  now(): Instant;
  /**
   * What each worker that the caller may see says to a ready Step, those that are nearest to taking it first.
   *
   * @throws {Fault} `unavailable`, `overloaded` if the other nodes' workers cannot be read
   */
  workerAnswers(caller: Caller, step: ReadyStep): Promise<readonly WorkerAnswer[]>;
  /**
   * Of these Runs, by the session that holds each, those whose worker has lost its connection: when it is given up; 0 if only its own
   * node knows.
   *
   * @throws {Fault} `unavailable`, `overloaded` if the other nodes' workers cannot be read
   */
  absences(
    held: readonly Pick<RunRow, "heldBy" | "principal" | "workerId">[],
  ): Promise<ReadonlyMap<string, Instant>>;
  /**
   * How long a Task has rested, and how long it may by its template and the settings, as the search for stale Tasks sees it;
   * undefined if it has ended.
   *
   * @param detail a Task that was found for the caller
   */
  staleness(detail: TaskDetail): Promise<Staleness | undefined>;
}
