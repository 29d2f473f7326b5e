import type { AuthorityRow } from "#domain/access/authority";
import { OWN_CHAIN } from "#domain/audit/record";
import { limits } from "#limits/index";
import type { RotatingAuthority, WorkerAuthority } from "#ports/authority";
import type { Plane } from "#ports/plane";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import { Rotation } from "../authority/rotation.js";
import { showAuthority } from "./counts.js";
import { Enrolment, type EnrolmentParts } from "./enrolment.js";

export interface OpenEnrolment {
  readonly enrolment: Enrolment;
  /** Looks at the store no more. */
  close(): void;
}

/** What may be missing. */
interface Opening extends Omit<EnrolmentParts, "store" | "authority" | "rotation" | "telemetry"> {
  readonly store: Pick<Store, "enrolment" | "shared">;
  readonly authority: WorkerAuthority | undefined;
  /** The same, if its rotation is the server's to do. */
  readonly rotating: RotatingAuthority | undefined;
  readonly telemetry: Telemetry;
  /** What the authority follows already. */
  readonly row: AuthorityRow | undefined;
  readonly plane: Pick<Plane, "nodes">;
}

/**
 * What makes workers of those who have a token; undefined without an authority, or a store that keeps them. Where other servers share the
 * store, revoke too and rotate the authority, it is looked at every `limits.revocationEvery`.
 */
export async function openEnrolment(opening: Opening): Promise<OpenEnrolment | undefined> {
  const { store, authority, row, plane, audit } = opening;
  if (!authority || !store.enrolment) return undefined;
  const parts = { ...opening, store: store.enrolment, authority };
  const node = store.shared ? (audit?.chain ?? OWN_CHAIN) : undefined;
  const { rotating } = opening;
  const rotation =
    rotating && new Rotation({ ...parts, authority: rotating, node, nodes: () => plane.nodes() }, row);
  if (!store.shared) await rotation?.adopt();
  const enrolment = new Enrolment({ ...parts, rotation });
  showAuthority(opening.telemetry, authority, rotation, opening.now);
  const { denials, streams } = enrolment;
  await denials.load();
  let isLooking = false;
  let complaint = "";
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      await denials.load();
      streams.sweep();
      await rotation?.look();
      complaint = "";
    } catch (error) {
      // Meanwhile no worker is admitted: that reads the store too.
      const { message } = error as Error;
      if (message !== complaint)
        parts.log.warn("what other servers have revoked or rotated cannot be followed", { why: message });
      complaint = message;
    } finally {
      isLooking = false;
    }
  };
  const clean = () => parts.store.removeEnded(parts.now() - limits.enrolmentKept, limits.enrolmentRemoved);
  // With a store of its own a server looks at it only for what it could not do before.
  const wants = () => store.shared || rotation?.isBehind;
  const looking = setInterval(() => void (wants() && look()), limits.revocationEvery).unref();
  const cleaning = setInterval(() => void clean().catch(() => 0), limits.enrolmentCleaned).unref();
  return {
    enrolment,
    close() {
      clearInterval(looking);
      clearInterval(cleaning);
    },
  };
}
