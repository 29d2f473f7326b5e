import { enrolledId } from "#domain/access/enrolment";
import type { WorkerName } from "#domain/access/spiffe";
import { Fault } from "#domain/fault";

/** The same words for a token that is unknown and for a secret that is wrong. */
export function tokenInvalid(): Fault {
  const message = "the token is not valid: take the whole line that `worker invite` has printed.";
  return new Fault("unauthenticated", message, { reason: "TOKEN_INVALID" });
}

export function tokenEnded(how: "has expired" | "was used already"): Fault {
  const message = `the token ${how}: invite the worker again.`;
  const reason = how === "has expired" ? "TOKEN_EXPIRED" : "TOKEN_USED";
  return new Fault("unauthenticated", message, { reason });
}

/** A key that another worker has, or had when it was revoked. */
export function keyTaken(): Fault {
  const message = "the key of the request is another worker's, or was revoked: make a new one.";
  return new Fault("denied", message, { field: "csr", reason: "KEY_TAKEN" });
}

const ends = {
  "has ended": "CERTIFICATE_EXPIRED",
  "was revoked": "CERTIFICATE_REVOKED",
  "is of an authority that has gone": "CERTIFICATE_UNTRUSTED",
} as const;

export function certificateEnded(how: keyof typeof ends): Fault {
  return new Fault("unauthenticated", `the worker's certificate ${how}: invite the worker again.`, {
    reason: ends[how],
  });
}

export function notRotated(): Fault {
  const message = "the authority is not this server's own: it is rotated where its keys are.";
  return new Fault("wrong_state", message, { reason: "AUTHORITY_ELSEWHERE" });
}

export function enrolledNotFound(worker: WorkerName): Fault {
  return new Fault("not_found", `Enrolled worker not found: ${enrolledId(worker)}`, {
    reason: "WORKER_NOT_ENROLLED",
  });
}

export function changedMeanwhile(worker: WorkerName): Fault {
  const message = `worker ${enrolledId(worker)} was changed at the same time: try again.`;
  return new Fault("unavailable", message, { reason: "WORKER_CHANGED" });
}
