/**
 * What an operator says, with the name that Tasker lets them give themselves. Who it was is known otherwise: the audit trail has the
 * principal of the credential.
 */
export function resolvedBy(name: string, reason: string): string {
  if (name === "") return reason;
  return reason === "" ? name : `${name}: ${reason}`;
}
