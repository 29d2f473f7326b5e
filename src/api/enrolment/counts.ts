import { authorityPhases } from "#domain/access/authority";
import { Fault } from "#domain/fault";
import type { Instant } from "#domain/time/time";
import type { WorkerAuthority } from "#ports/authority";
import type { Telemetry } from "#ports/telemetry";
import type { Rotation } from "../authority/rotation.js";

/** How a worker comes by a certificate. */
export type Way = "enrolled" | "renewed";

/** Why a request for a certificate is refused, as far as it is a matter of enrolment. The set is closed: it labels a metric. */
const reasons: ReadonlySet<string> = new Set([
  ...(["TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_USED", "TOO_MANY_ATTEMPTS"] as const),
  ...(["CSR_INVALID", "KEY_TAKEN", "WORKER_CHANGED", "AUTHORITY_KEY_MISSING"] as const),
  ...(["CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNTRUSTED"] as const),
]);

/** Waits for a certificate, and counts it, or why there is none. */
export async function countedAs<Result>(
  way: Way,
  telemetry: Pick<Telemetry, "count"> | undefined,
  asked: Promise<Result>,
): Promise<Result> {
  try {
    const result = await asked;
    telemetry?.count("taskrun_certificates_issued_total", { way });
    return result;
  } catch (error) {
    const reason = error instanceof Fault ? error.reason : undefined;
    const known = reason !== undefined && reasons.has(reason) ? reason : "other";
    telemetry?.count("taskrun_certificates_refused_total", { way, reason: known });
    throw error;
  }
}

/** Shows how long the authority lasts, and the phase of its rotation. */
export function showAuthority(
  telemetry: Telemetry,
  authority: WorkerAuthority,
  rotation: Rotation | undefined,
  now: () => Instant,
): void {
  telemetry.gauge("taskrun_authority_seconds", () =>
    authority.ends.map(({ which, endsAt }) => {
      return { labels: { which }, value: Math.round((endsAt - now()) / 1_000) };
    }),
  );
  if (!rotation) return;
  telemetry.gauge("taskrun_authority_phase", () =>
    authorityPhases.map((phase) => {
      return { labels: { phase }, value: phase === (rotation.row?.phase ?? "standby") ? 1 : 0 };
    }),
  );
}
