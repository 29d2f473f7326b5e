import type { EnrolledWorker, EnrolmentKind, EnrolmentOf, EnrolmentRow } from "#domain/access/enrolment";
import type { AuditAppend } from "./audit.js";

export type * from "#domain/access/enrolment";

/**
 * Where invitations and enrolled workers are kept: part of a store that can keep them. Nothing is cached: what one process has written
 * every other one reads.
 *
 * @example
 * ```ts
 * import type { EnrolmentStore } from "taskrun/ports/enrolment";
 *
 * async function namesOf(enrolment: EnrolmentStore): Promise<string[]> {
 *   return (await enrolment.list("worker", "", 100)).map(({ worker }) => worker.name);
 * }
 * ```
 */
export interface EnrolmentStore {
  get<Kind extends EnrolmentKind>(kind: Kind, id: string): Promise<EnrolmentOf<Kind> | undefined>;
  /** Rows in the order of their ids. @param after an id; empty for the first ones */
  list<Kind extends EnrolmentKind>(
    kind: Kind,
    after: string,
    limit: number,
  ): Promise<readonly EnrolmentOf<Kind>[]>;
  /** The workers with a certificate that was revoked and ends later. */
  denied(now: number): Promise<readonly EnrolledWorker[]>;
  /**
   * Writes all of the rows, durably, or none. The same rows once more change nothing.
   *
   * @param audit what the audit log says of it, appended in the same transaction; not once more for the same rows
   * @returns false if the revision of one is not one more than what is there, or 1 for a new one
   */
  put(rows: readonly EnrolmentRow[], audit?: AuditAppend): Promise<boolean>;
  /** Removes up to `limit` rows that ended before an instant. @returns how many */
  removeEnded(before: number, limit: number): Promise<number>;
}
