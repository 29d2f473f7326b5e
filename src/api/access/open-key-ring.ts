import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { CredentialStore } from "#ports/credentials";
import { KeyRing } from "./key-ring.js";

export interface KeyRingParts {
  /** Absent if the store keeps none. */
  readonly credentials: CredentialStore | undefined;
  readonly now: () => Instant;
  /** Is given the text of the first key, of the role `admin`, so that somebody can make the others. */
  readonly first: (text: string) => Promise<void>;
}

/**
 * The API keys that a server asks for; made one if there is none.
 *
 * @throws {Fault} `wrong_state` if the store keeps none
 */
export async function openKeyRing({ credentials, now, first }: KeyRingParts): Promise<KeyRing> {
  if (!credentials) {
    const message = "this store keeps no API keys yet: keep the data in sqlite, or say --auth off.";
    throw new Fault("wrong_state", message, { reason: "AUTH_UNSUPPORTED" });
  }
  const keys = new KeyRing(credentials, now);
  await keys.load();
  if (keys.size > 0) return keys;
  const terms = { name: "first", role: "admin", namespaces: "*", ttl: limits.keyLifeMost } as const;
  await keys.make(LOCAL_CALLER, terms, first);
  return keys;
}
