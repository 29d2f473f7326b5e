import type { NodeId } from "#domain/id";
import type { RowsSeen } from "./rows-seen.js";

/** What the store has the commit say of itself. */
export interface CommitTerms {
  /** What they have seen, if other processes write the store too: then the commit says on what it rests. */
  readonly units?: Iterable<RowsSeen> | undefined;
  /** Who writes, if the store has nodes. */
  readonly node?: NodeId | undefined;
  /** Of the audit log, to which nothing is written without one. */
  readonly chain?: string | undefined;
}
