import { type EnrolledWorker, type EnrolmentRow, enrolledId, type TokenRow } from "#domain/access/enrolment";
import type { WorkerName } from "#domain/access/spiffe";
import { type Caller, mayUse } from "#domain/caller";
import { limits } from "#limits/index";
import type { EnrolmentStore } from "#ports/enrolment";
import { allOf } from "./all-of.js";
import type { Enrolment } from "./enrolment.js";
import { changedMeanwhile, enrolledNotFound } from "./refusals.js";

/** True if all that the worker may do is the caller's to see. */
export function isVisible(
  caller: Caller,
  { worker, namespaces }: Pick<EnrolledWorker, "worker" | "namespaces">,
): boolean {
  if (caller.namespaces === "*") return true;
  return (
    mayUse(caller, worker.namespace) && namespaces !== "*" && namespaces.every((each) => mayUse(caller, each))
  );
}

/** The workers that the caller may see, by namespace and name. */
export async function enrolledFor(caller: Caller, store: EnrolmentStore): Promise<readonly EnrolledWorker[]> {
  const found: EnrolledWorker[] = [];
  for await (const row of allOf(store, "worker")) {
    if (isVisible(caller, row)) found.push(row);
    if (found.length >= limits.enrolledListed) break;
  }
  return found;
}

/**
 * Ends the certificates of a worker, its keys, and the tokens that would make it anew. Idempotent.
 *
 * @throws {Fault} `not_found` if there is none that the caller may see
 */
export async function revoke(
  caller: Caller,
  worker: WorkerName,
  enrolment: Enrolment,
): Promise<EnrolledWorker> {
  const { store } = enrolment;
  for (let tries = 0; tries < limits.enrolmentTries; tries++) {
    const row = await store.get("worker", enrolledId(worker));
    const tokens = await unusedTokens(store, worker, enrolment.now);
    const isKnown = row ? isVisible(caller, row) : tokens.some((token) => isVisible(caller, token));
    if (!isKnown) throw enrolledNotFound(worker);
    const revoked = row && revokedRow(row, enrolment.now);
    const ended = tokens.map((token) => ({ ...token, revision: token.revision + 1, endsAt: enrolment.now }));
    const keys = row ? await revokedKeys(store, row) : [];
    const rows: EnrolmentRow[] = [...(revoked ? [revoked] : []), ...ended, ...keys];
    const told = { actor: caller.principal, action: "worker.revoke", worker } as const;
    if (!(await enrolment.write(rows, [told]))) continue;
    if (!revoked) throw enrolledNotFound(worker);
    enrolment.revoked(revoked);
    return revoked;
  }
  throw changedMeanwhile(worker);
}

function revokedRow(row: EnrolledWorker, now: EnrolledWorker["endsAt"]): EnrolledWorker {
  const valid = row.certificates.filter(({ notAfter }) => notAfter > now);
  const revoked = [...row.revoked, ...valid.map(({ serial, notAfter }) => ({ serial, notAfter }))];
  const deniedUntil = Math.max(0, ...revoked.map(({ notAfter }) => notAfter));
  const revokedAt = row.certificates.length === 0 && row.revokedAt > 0 ? row.revokedAt : now;
  return { ...row, revision: row.revision + 1, certificates: [], revoked, deniedUntil, revokedAt };
}

async function revokedKeys(store: EnrolmentStore, row: EnrolledWorker): Promise<EnrolmentRow[]> {
  const keys = await Promise.all(row.certificates.map(({ spkiHash }) => store.get("key", spkiHash)));
  return keys.flatMap((key) => (key ? [{ ...key, revision: key.revision + 1, isRevoked: true }] : []));
}

async function unusedTokens(
  store: EnrolmentStore,
  { namespace, name }: WorkerName,
  now: number,
): Promise<readonly TokenRow[]> {
  const found: TokenRow[] = [];
  for await (const token of allOf(store, "token")) {
    const isIts = token.worker.namespace === namespace && token.worker.name === name;
    if (isIts && !token.used && token.endsAt > now) found.push(token);
  }
  return found;
}
