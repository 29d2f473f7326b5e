import { RoleTable } from "#domain/access/roles";
import type { Millis } from "#domain/time/time";
import type { AuditTrail } from "#ports/audit";
import type { Clock } from "#ports/clock";
import type { Store } from "#ports/store";
import type { Log } from "#ports/telemetry";
import { KeyKeeper } from "./key-keeper.js";
import type { KeyRing } from "./key-ring.js";
import { openKeyRing } from "./open-key-ring.js";
import { drawSecret, WatchTokens } from "./watch-tokens.js";

export interface AccessParts {
  readonly store: Pick<Store, "credentials" | "shared">;
  readonly clock: Pick<Clock, "now" | "wakeAt">;
  readonly log: Log;
  /** What roles may do; keys of any other role are refused. */
  readonly roles?: RoleTable;
  /** How long a key is kept that has ended. */
  readonly retention: Millis;
  /** How other servers of the store are told of changes, and tell of theirs. */
  readonly wakes: { publish(): void; hear(heard: () => void): void };
  /** Where is written what happens to keys, and who was refused; absent if there is no audit log. */
  readonly audit?: AuditTrail | undefined;
  /** Is given the text of the first key, of the role `admin`. */
  readonly first: (text: string) => Promise<void>;
}

/** Whom a server asks for a credential, and by what it knows them. */
export interface Access {
  readonly keys: KeyRing;
  readonly watchTokens: WatchTokens;
  /** Writes when keys were used. */
  close(): Promise<void>;
}

/**
 * Opens the API keys of a store, and looks after them until it is closed.
 *
 * @throws {Fault} `wrong_state` if the store keeps none
 */
export async function openAccess({
  store,
  clock,
  log,
  roles = new RoleTable(),
  retention,
  wakes,
  audit,
  first,
}: AccessParts): Promise<Access> {
  const isShared = store.shared === true;
  const { credentials } = store;
  const changed = () => wakes.publish();
  const now = () => clock.now();
  const keys = await openKeyRing({ credentials, now, isShared, changed, roles, audit, log, first });
  const secret = (await credentials?.sharedSecret(drawSecret())) ?? drawSecret();
  const requireLive: KeyRing["requireLive"] = (caller) => keys.requireLive(caller);
  const watchTokens = new WatchTokens({ secret, now, requireLive, audit });
  const keeper = new KeyKeeper({ keys, clock, log, isShared, retention });
  keeper.start();
  wakes.hear(() => keeper.heard());
  return {
    keys,
    watchTokens,
    close: async () => {
      wakes.hear(() => {});
      await keeper.stop();
    },
  };
}
