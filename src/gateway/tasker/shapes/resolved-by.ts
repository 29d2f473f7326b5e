/**
 * What an operator says, with the name that Tasker lets them give themselves. Who it was is known otherwise: the audit trail has the
 * principal of the credential.
 */
export function resolvedBy(name: string, reason: string): string {
  if (name === "") return reason;
  return reason === "" ? name : `${name}: ${reason}`;
}

/**
 * The notes of a dead letter that an update asks for: undefined leaves them as they are, which takes that neither is given. Empty notes
 * empty them, and a name alone is a note.
 */
export function notesAsked(
  name: string | null | undefined,
  notes: string | null | undefined,
): string | undefined {
  if (!name && typeof notes !== "string") return undefined;
  return resolvedBy(name ?? "", notes ?? "");
}
