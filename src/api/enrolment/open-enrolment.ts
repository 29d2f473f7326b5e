import { limits } from "#limits/index";
import type { WorkerAuthority } from "#ports/authority";
import type { Store } from "#ports/store";
import { Enrolment, type EnrolmentParts } from "./enrolment.js";

export interface OpenEnrolment {
  readonly enrolment: Enrolment;
  /** Looks at the store no more. */
  close(): void;
}

/** What may be missing. */
interface Opening extends Omit<EnrolmentParts, "store" | "authority"> {
  readonly store: Pick<Store, "enrolment" | "shared">;
  readonly authority: WorkerAuthority | undefined;
}

/**
 * What makes workers of those who have a token; undefined without an authority, or a store that keeps them. Where other servers share the
 * store, and revoke too, it is looked at every `limits.revocationEvery`.
 */
export async function openEnrolment(opening: Opening): Promise<OpenEnrolment | undefined> {
  const { store, authority } = opening;
  if (!authority || !store.enrolment) return undefined;
  const parts = { ...opening, store: store.enrolment, authority };
  const enrolment = new Enrolment(parts);
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
      complaint = "";
    } catch (error) {
      // Meanwhile no worker is admitted: that reads the store too.
      const { message } = error as Error;
      if (message !== complaint)
        parts.log.warn("what other servers have revoked cannot be read", { why: message });
      complaint = message;
    } finally {
      isLooking = false;
    }
  };
  const clean = () => parts.store.removeEnded(parts.now() - limits.enrolmentKept, limits.enrolmentRemoved);
  const looking = store.shared ? setInterval(() => void look(), limits.revocationEvery).unref() : undefined;
  const cleaning = setInterval(() => void clean().catch(() => 0), limits.enrolmentCleaned).unref();
  return {
    enrolment,
    close() {
      clearInterval(looking);
      clearInterval(cleaning);
    },
  };
}
