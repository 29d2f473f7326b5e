import { type EnrolledWorker, type EnrolmentRow, enrolledId } from "#domain/access/enrolment";
import type { WorkerName } from "#domain/access/spiffe";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { CheckedCsr, IssuedCertificate } from "#ports/authority";
import type { EnrolmentStore } from "#ports/enrolment";
import { keyTaken } from "./refusals.js";

/** What an invitation makes of a worker, whatever it was before. */
export type EnrolledState = Pick<
  EnrolledWorker,
  "namespaces" | "labels" | "agents" | "enrolledAt" | "invitedBy" | "revokedAt"
>;

/**
 * The rows of a worker with one certificate more.
 *
 * @param state absent if that stays as it is
 * @throws {Fault} `denied` if the key is another worker's
 */
export async function certifiedRows(
  { store, now }: { readonly store: EnrolmentStore; readonly now: Instant },
  worker: WorkerName,
  { spkiHash }: CheckedCsr,
  { serial, notAfter, root, under }: IssuedCertificate,
  state?: EnrolledState,
): Promise<readonly EnrolmentRow[]> {
  const id = enrolledId(worker);
  const key = await store.get("key", spkiHash);
  if (key && (key.isRevoked || key.worker !== id)) throw keyTaken();
  const before = await store.get("worker", id);
  const valid = before?.certificates.filter((each) => each.notAfter > now) ?? [];
  const by = under && { root, version: under.version };
  const certificates = [...valid, { serial, spkiHash, notAfter, ...by }].slice(-limits.certificatesPerWorker);
  const revoked = before?.revoked.filter((each) => each.notAfter > now) ?? [];
  const common = { kind: "worker", id, worker, revoked, deniedUntil: latest(revoked) } as const;
  const kept = { ...(before as EnrolledWorker), ...state };
  const endsAt = instant(Math.max(latest(certificates), latest(revoked)));
  const revision = (key?.revision ?? 0) + 1;
  return [
    { ...kept, ...common, revision: (before?.revision ?? 0) + 1, certificates, endsAt },
    { kind: "key", id: spkiHash, revision, worker: id, isRevoked: false, endsAt: notAfter },
    // As it is: if the authority has changed since it signed, none of these rows is written.
    ...(under ? [under] : []),
  ];
}

function latest(certificates: readonly { readonly notAfter: Instant }[]): number {
  return Math.max(0, ...certificates.map(({ notAfter }) => notAfter));
}
