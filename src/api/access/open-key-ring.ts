import { RoleTable } from "#domain/access/roles";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { CredentialStore } from "#ports/credentials";
import type { Log } from "#ports/telemetry";
import { KeyRing, type KeyRingParts } from "./key-ring.js";
import { warnOfRoles } from "./listed-key.js";

export interface OpenKeyRing extends Omit<KeyRingParts, "store"> {
  /** Absent if the store keeps none. */
  readonly credentials: CredentialStore | undefined;
  /** Is told of keys that are refused because the server does not have their role. */
  readonly log?: Log;
  /** Is given the text of the first key, of the role `admin`, so that somebody can make the others. */
  readonly first: (text: string) => Promise<void>;
}

/**
 * The API keys that a server asks for; made one if there is none. Servers that start at the same time over an empty store may make
 * one each.
 *
 * @throws {Fault} `wrong_state` if the store keeps none
 */
export async function openKeyRing({ credentials, first, log, ...parts }: OpenKeyRing): Promise<KeyRing> {
  if (!credentials) {
    const message = "this store keeps no API keys: keep the data in sqlite or PostgreSQL, or say --auth off.";
    throw new Fault("wrong_state", message, { reason: "AUTH_UNSUPPORTED" });
  }
  const keys = new KeyRing({ ...parts, store: credentials });
  await keys.load();
  if (log) await warnOfRoles(keys, parts.roles ?? new RoleTable(), log, parts.now());
  if (keys.size > 0) return keys;
  const terms = { name: "first", role: "admin", namespaces: "*", ttl: limits.keyLifeMost } as const;
  await keys.make(LOCAL_CALLER, terms, first);
  return keys;
}
