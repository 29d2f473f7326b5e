import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { Fault } from "#domain/fault";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { TokenVerifier } from "#ports/tokens";

export interface VerifierParts {
  readonly find: JWTVerifyGetKey;
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  readonly now: () => Instant;
}

/** Verifies tokens by the keys of one issuer. */
export function tokenVerifier({ find, issuer, audience, algorithms, now }: VerifierParts): TokenVerifier {
  return {
    async verify(text) {
      const options = {
        issuer,
        audience: [...audience],
        algorithms: [...algorithms],
        clockTolerance: limits.tokenSkew / 1_000,
        requiredClaims: ["exp"],
        currentDate: new Date(now()),
      };
      try {
        if (Buffer.byteLength(text) > limits.credentialBytes) throw new errors.JWTInvalid("too long");
        const claims = await payloadOf(text, find, options);
        return { claims, expiresAt: instant((claims.exp ?? 0) * 1_000 + limits.tokenSkew) };
      } catch (error) {
        throw faultOf(error);
      }
    },
  };
}

/** Tries each key that a token without the name of one may be signed by. */
async function payloadOf(
  text: string,
  find: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(text, find, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(text, key, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw error;
  }
}

/** Only who has a token that the issuer has signed is told what is wrong with it. */
function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof errors.JWTExpired) {
    return new Fault("unauthenticated", "the token has expired: get a new one from its issuer.", {
      reason: "CREDENTIAL_EXPIRED",
    });
  }
  const claim = error instanceof errors.JWTClaimValidationFailed ? error.claim : undefined;
  const message =
    claim === undefined
      ? "the token is not valid: its signature, algorithm or form is not what this server takes."
      : `the token is not valid: its claim ${claim} is not what this server takes.`;
  return new Fault("unauthenticated", message, {
    reason: "CREDENTIAL_INVALID",
    ...(claim !== undefined && { metadata: { claim } }),
  });
}
