/** An internal condition does not hold: a bug of this program, never a caller's mistake. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}

export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantViolation(what);
}

/** For the end of a switch: does not compile while a case is missing. */
export function unreachable(value: never, what: string): never {
  throw new InvariantViolation(`${what}: ${JSON.stringify(value)}`);
}
