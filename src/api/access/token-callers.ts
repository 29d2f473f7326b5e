import type { RoleTable } from "#domain/access/roles";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { AuditTrail } from "#ports/audit";
import type { TokenVerifier } from "#ports/tokens";
import { exceeds } from "../validate.js";

/** The settings of a server that say which claims of a token tell who calls, and as what. */
export interface ClaimSettings {
  readonly jwtPrincipalClaim: string;
  readonly jwtRoleClaim: string;
  /** The roles of values of that claim; if there are none, values are the names of roles. */
  readonly jwtRoles: ReadonlyMap<string, string>;
  readonly jwtNamespacesClaim: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** Finds the callers of tokens. */
export class TokenCallers {
  readonly #verifier: TokenVerifier;
  readonly #names: ClaimSettings;
  readonly #roles: RoleTable;
  readonly #audit: Pick<AuditTrail, "refused"> | undefined;

  /** @param audit is told of each token that was refused; absent if there is no audit log */
  constructor(
    verifier: TokenVerifier,
    names: ClaimSettings,
    roles: RoleTable,
    audit?: Pick<AuditTrail, "refused">,
  ) {
    this.#verifier = verifier;
    this.#names = names;
    this.#roles = roles;
    this.#audit = audit;
  }

  /**
   * @throws {Fault} by the promise: what {@link TokenVerifier.verify} throws; `unauthenticated` for a token that does not say
   *   who calls; `denied` for one that names no role that this server has, or no namespaces
   */
  async callerOf(text: string): Promise<Caller> {
    let principal = "anonymous";
    try {
      const { claims, expiresAt } = await this.#verifier.verify(text);
      const { jwtPrincipalClaim, jwtRoleClaim, jwtNamespacesClaim } = this.#names;
      // Its issuer vouches for the name from here on, whatever else the token lacks.
      principal = `jwt:${principalIn(claims, jwtPrincipalClaim)}`;
      const roles = this.#rolesIn(claims, jwtRoleClaim);
      return { principal, roles, namespaces: namespacesIn(claims, jwtNamespacesClaim), expiresAt };
    } catch (error) {
      this.#noteRefusal(principal, error);
      throw error;
    }
  }

  /** A verifier that has no keys at the moment has refused nobody. */
  #noteRefusal(actor: string, error: unknown): void {
    if (!(error instanceof Fault) || error.code === "unavailable") return;
    const detail = error.reason ?? error.code.toUpperCase();
    this.#audit?.refused({ actor, action: "key.use", object: "a token", detail });
  }

  /** Values that mean nothing here are passed over: issuers put all groups of a person into one claim. */
  #rolesIn(claims: Claims, name: string): readonly string[] {
    const { jwtRoles: roles } = this.#names;
    const values = textsIn(claims, name) ?? [];
    const named = roles.size === 0 ? values : values.flatMap((value) => roles.get(value) ?? []);
    const known = [...new Set(named)].filter((role) => this.#roles.has(role));
    if (known.length > 0) return known;
    throw new Fault("denied", `the token's claim ${name} names no role that this server has.`, {
      reason: "ROLE_UNKNOWN",
      metadata: { claim: name },
    });
  }
}

function principalIn(claims: Claims, name: string): string {
  const value = claimOf(claims, name);
  const isName = typeof value === "string" && value !== "" && !/\p{Cc}/u.test(value);
  // The prefix counts too: a principal is stored in rows as an id.
  if (isName && !exceeds(`jwt:${value}`, limits.idBytes)) return value;
  const message = `the token's claim ${name} is no name of 1 to ${limits.idBytes - 4} bytes: it says who calls.`;
  throw new Fault("unauthenticated", message, { reason: "CREDENTIAL_INVALID", metadata: { claim: name } });
}

function namespacesIn(claims: Claims, name: string): Caller["namespaces"] {
  const values = textsIn(claims, name);
  if (values?.includes("*")) return "*";
  const { namespacesPerWorker: most } = limits;
  const areNames = values?.every((value) => !/\p{Cc}/u.test(value) && !exceeds(value, limits.idBytes));
  if (values && values.length > 0 && values.length <= most && areNames) return values;
  const message = `the token's claim ${name} is no list of 1 to ${most} namespaces, of at most ${limits.idBytes} bytes each.`;
  throw new Fault("denied", message, { reason: "NAMESPACES_MISSING", metadata: { claim: name } });
}

/** The texts of a claim that is one, or a list of them; undefined if it is neither. */
function textsIn(claims: Claims, name: string): readonly string[] | undefined {
  const value = claimOf(claims, name);
  const list = typeof value === "string" ? [value] : value;
  if (!Array.isArray(list)) return undefined;
  return list.every((each) => typeof each === "string" && each !== "") ? list : undefined;
}

/** A claim by its name; one within others by their names, with dots between. A name that itself has dots comes first. */
function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}
