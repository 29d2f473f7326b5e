import type { KeyRow } from "#domain/access/key";
import type { RoleTable } from "#domain/access/roles";
import { LOCAL_CALLER } from "#domain/caller";
import type { Log } from "#ports/telemetry";
import type { KeyRing } from "./key-ring.js";

/** A key as those see it who hand out keys. */
export interface ListedKey extends KeyRow {
  /** False if this server does not have its role: then the key is refused. */
  readonly isRoleKnown: boolean;
}

export function listed(row: KeyRow, roles: RoleTable): ListedKey {
  return { ...row, isRoleKnown: roles.has(row.role) };
}

/** Of more keys without a role the list says which. */
const COMPLAINTS = 100;

/** Says in the log which keys are refused because the server does not have their role; for the start. */
export async function warnOfRoles(keys: KeyRing, roles: RoleTable, log: Log, now: number): Promise<void> {
  const rows = await keys.visibleTo(LOCAL_CALLER);
  const refused = rows.filter((row) => row.revokedAt === 0 && now < row.expiresAt && !roles.has(row.role));
  for (const { id, role, name } of refused.slice(0, COMPLAINTS)) {
    log.warn("an API key is refused: this server does not have its role", { id, role, name });
  }
}
