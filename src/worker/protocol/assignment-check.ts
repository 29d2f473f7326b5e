import { limits } from "#limits/index";
import type { RunAssignment } from "#wire/gen/taskrun/v1/run_service_pb";

/** What a session knows when an assignment arrives. */
export interface SessionFacts {
  readonly session: string;
  /** Empty if the server binds its assignments to nothing: then only their order is checked. */
  readonly incarnation: string;
  readonly lastOrdinal: bigint;
  /** The server's time, as learnt from its welcome: the machine's own clock may be wrong, or be set. */
  readonly serverMs: number;
}

/** Why the assignment was not meant for this session now, as a sentence; undefined if it was. */
export function assignmentProblem(assignment: RunAssignment, facts: SessionFacts): string | undefined {
  const { session, incarnation, ordinal } = assignment;
  if (ordinal <= facts.lastOrdinal && ordinal > 0n) {
    return `it came out of order: its ordinal is ${ordinal}, after ${facts.lastOrdinal}`;
  }
  if (facts.incarnation === "") return undefined;
  if (incarnation !== facts.incarnation) return "it is of another start of the server";
  if (session !== facts.session) return "it is of another session";
  const late = facts.serverMs - Number(assignment.expiresAtMs);
  if (late > 0) return `it came ${Math.ceil(late)} ms after it had expired`;
  const ahead = Number(assignment.issuedAtMs) - facts.serverMs;
  return ahead > limits.assignmentAhead
    ? `it is dated ${Math.ceil(ahead)} ms ahead of the server`
    : undefined;
}
