import type { TaskId } from "#domain/id";

/** The reason of a Fault: Tasks could not be written where they are to be kept, and so are not removed. */
export const EXPORT_FAILED = "EXPORT_FAILED";

/**
 * Where ended Tasks are kept before they are removed.
 *
 * @example
 * ```ts
 * import type { TaskArchive } from "taskrun/ports/archive";
 *
 * const toConsole: TaskArchive = { put: async (ids) => console.log(ids.join("\n")) };
 * ```
 */
export interface TaskArchive {
  /**
   * Resolves when all that these ended Tasks are is kept for good. May be called again for Tasks that it has kept already.
   *
   * @throws {Fault} reason `EXPORT_FAILED`; then none of them is removed
   */
  put(ids: readonly TaskId[]): Promise<void>;
}
