import type { AuthorityNode, AuthorityPhase, AuthorityRow } from "#domain/access/authority";
import type { EnrolledWorker, WorkerCertificate } from "#domain/access/enrolment";
import type { NodeView } from "#domain/node";

/** A server that is not ready for the next phase, and why. */
export interface WaitingNode {
  readonly id: string;
  readonly problem: string;
}

/**
 * The certificates that a worker may be using: valid, and none that it has given up by showing a later one. An answer with a
 * certificate may have been lost, so that one which was never shown counts beside those before it.
 */
export function heldBy({ certificates, acknowledged = 0 }: EnrolledWorker, now: number): WorkerCertificate[] {
  return certificates.filter(({ notAfter, version = 0 }) => notAfter > now && version >= acknowledged);
}

/** True if the phase could leave the worker behind: the servers that it meets, or what it shows, would not be trusted. */
export function isLeftBehind(
  row: AuthorityRow,
  to: AuthorityPhase,
  held: readonly WorkerCertificate[],
): boolean {
  if (to === "update_servers") return held.some(({ version = 0 }) => version < row.bundled);
  if (to !== "standby") return false;
  const dropped = row.phase === "rollback" ? row.next?.pin : row.root.pin;
  return held.some(({ root = row.origin }) => root === dropped);
}

/**
 * The live nodes that do not follow the row, or cannot do their part.
 *
 * @param live of a store of one process none
 */
export function waitingNodes(
  { revision }: AuthorityRow,
  live: readonly NodeView[],
  said: readonly AuthorityNode[],
  now: number,
): readonly WaitingNode[] {
  return live
    .filter(({ state }) => state === "live" || state === "draining")
    .flatMap(({ id }) => {
      const node = said.find((each) => each.id === id && each.endsAt > now);
      if (!node || node.follows < revision)
        return [{ id, problem: "has not said that it knows of this phase" }];
      return node.problem === "" ? [] : [{ id, problem: node.problem }];
    });
}

/** What the row becomes. @param at when, and by whom */
export function moved(
  row: AuthorityRow,
  to: AuthorityPhase,
  at: Pick<AuthorityRow, "changedAt" | "changedBy">,
): AuthorityRow {
  const { next, ...rest } = row;
  const isEnd = to === "standby";
  // Nothing that a worker is given changes when servers show another certificate.
  const version = to === "update_servers" ? row.version : row.version + 1;
  const root = isEnd && row.phase === "update_servers" && next ? next : row.root;
  const roots = { root, ...(!isEnd && next && { next }) };
  return { ...rest, ...roots, ...at, revision: row.revision + 1, phase: to, version };
}
