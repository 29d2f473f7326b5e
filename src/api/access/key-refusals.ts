import { endOfKey, type KeyRow } from "#domain/access/key";
import { Fault } from "#domain/fault";
import { type Instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** Of a key that is unknown, and of a wrong secret: in the same words. */
export function notValid(): Fault {
  const message =
    "the credential is not valid: send an API key as x-api-key, or as authorization: Bearer KEY.";
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_INVALID" });
}

/** Why the key is refused at an instant; undefined while it is not. */
export function endedFault(row: KeyRow, now: Instant): Fault | undefined {
  if (now < endOfKey(row)) return undefined;
  return row.revokedAt > 0
    ? ended("was revoked", "CREDENTIAL_REVOKED")
    : ended("has expired", "CREDENTIAL_EXPIRED");
}

function ended(how: string, reason: string): Fault {
  return new Fault("unauthenticated", `the API key ${how}: use another one.`, { reason });
}

/** Of every request while it is unknown what other servers have revoked. */
export function notConfirmed(): Fault {
  const message = `this server has not heard from its store for ${limits.keysTrusted / 1_000} s, and cannot know which keys were revoked meanwhile: try again later, or another server.`;
  return new Fault("unavailable", message, { reason: "CREDENTIALS_UNCONFIRMED", retryAfter: millis(1_000) });
}

export function tooManyKeys(): Fault {
  const message = `there are ${limits.keys} keys, as many as may be: revoked ones count until they are removed.`;
  return new Fault("overloaded", message, { reason: "TOO_MANY_KEYS" });
}

export function tooMuch(field: string, what: string): Fault {
  return new Fault("denied", `${what} may do more than yours: ask for no more than you may do.`, {
    field,
    reason: "BEYOND_YOURS",
  });
}

export function keyNotFound(id: string): Fault {
  return new Fault("not_found", `Key not found: ${id}`, { reason: "KEY_NOT_FOUND" });
}

export function keyHasEnded(id: string): Fault {
  return new Fault("wrong_state", `key ${id} has ended: create a new one.`, { reason: "KEY_ENDED" });
}

export function keyHasMoved(id: string): Fault {
  const message = `key ${id} was changed at the same time: try again.`;
  return new Fault("unavailable", message, { reason: "KEY_CHANGED" });
}
