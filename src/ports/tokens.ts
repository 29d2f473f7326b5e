import type { Instant } from "#domain/time/time";

/** What a token says that was verified. */
export interface VerifiedToken {
  /** Its claims, as JSON has them. What they mean here is not decided yet. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The instant from which it is refused. */
  readonly expiresAt: Instant;
}

/**
 * Verifies JSON Web Tokens: their signature by the public keys of one issuer, and that they are of that issuer, for this
 * server, and of now.
 */
export interface TokenVerifier {
  /**
   * @throws {Fault} by the promise: `unauthenticated` for a token that is not valid or has ended; `unavailable` while the keys
   *   of its issuer cannot be had
   */
  verify(text: string): Promise<VerifiedToken>;
}
