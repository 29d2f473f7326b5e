import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { KeyRing } from "#api/access/key-ring";
import { type ClaimSettings, TokenCallers } from "#api/access/token-callers";
import { RoleTable } from "#domain/access/roles";
import type { Scope } from "#domain/access/scopes";
import { LOCAL_CALLER } from "#domain/caller";
import { type Instant, instant, millis } from "#domain/time/time";
import type { GatewaySettings } from "#gateway/server";
import { readKeySet } from "#host/jwt/key-set";
import { tokenVerifier } from "#host/jwt/verifier";
import { memoryStore } from "#stores/memory/index";

const HOUR = millis(3_600_000);
const ISSUER = "https://login.example";

export const kinds = ["key", "token"] as const;
export type Kind = (typeof kinds)[number];

/** Roles of the configuration, beside the built-in ones. */
export const customRoles = new Map<string, readonly Scope[]>([
  ["lister", ["tasks:list"]],
  ["connector", ["workers:connect", "metrics:read"]],
]);

/** What a gateway is opened with that asks for credentials, and texts of such that are right or wrong. */
export interface Handed {
  readonly settings: Pick<GatewaySettings, "keys" | "tokens" | "roles">;
  readonly keys: KeyRing;
  readonly roles: RoleTable;
  /** A credential that is right, of this role. */
  of(kind: Kind, role: string, namespaces?: readonly string[] | "*"): Promise<string>;
  /** One that has ended, whose secret or signature is wrong, or whose role the server does not have. */
  readonly wrong: Readonly<
    Record<Kind, Readonly<Record<"forged" | "expired" | "revoked" | "roleless", string>>>
  >;
  readonly now: () => Instant;
}

/** @param start the time at which all of it is used */
export async function handOut(start = Date.now()): Promise<Handed> {
  let now = instant(start);
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("the memory store keeps keys");
  const roles = new RoleTable(customRoles);
  const rolesOnce = new RoleTable(new Map([...customRoles, ["gone", ["tasks:read"]]]));
  const once = new KeyRing({ store: credentials, now: () => now, roles: rolesOnce });
  const terms = { name: "k", role: "admin", namespaces: "*", ttl: HOUR } as const;

  const expired = await once.make(LOCAL_CALLER, { ...terms, ttl: millis(1) });
  now = instant(start + 2);
  const revoked = await once.make(LOCAL_CALLER, terms);
  await once.revoke(LOCAL_CALLER, revoked.row.id);
  const roleless = await once.make({ ...LOCAL_CALLER, roles: ["admin", "gone"] }, { ...terms, role: "gone" });
  const keys = new KeyRing({ store: credentials, now: () => now, roles });
  await keys.load();

  const pairs = await Promise.all(
    ["current", "withdrawn"].map(() => generateKeyPair("ES256", { extractable: true })),
  );
  const [current, withdrawn] = pairs as [(typeof pairs)[number], (typeof pairs)[number]];
  const jwk = { ...(await exportJWK(current.publicKey)), kid: "current" };
  const verifier = tokenVerifier({
    find: readKeySet(JSON.stringify({ keys: [jwk] })),
    ...{ issuer: ISSUER, audience: ["taskrun"], algorithms: ["ES256"], now: () => now },
  });
  const claims: ClaimSettings = {
    ...{
      jwtPrincipalClaim: "sub",
      jwtRoleClaim: "role",
      jwtRoles: new Map(),
      jwtNamespacesClaim: "namespaces",
    },
  };
  const sign = (role: string, namespaces: readonly string[] | "*" = "*", seconds = 3_600, kid = "current") =>
    new SignJWT({ sub: "t", role, namespaces })
      .setProtectedHeader({ alg: "ES256", kid })
      .setIssuer(ISSUER)
      .setAudience("taskrun")
      .setExpirationTime(Math.floor(now / 1_000) + seconds)
      .sign(kid === "current" ? current.privateKey : withdrawn.privateKey);

  const right = await once.make(LOCAL_CALLER, terms);
  return {
    settings: { keys, tokens: new TokenCallers(verifier, claims, roles), roles },
    keys,
    roles,
    now: () => now,
    of: async (kind, role, namespaces = "*") => {
      if (kind === "token") return sign(role, namespaces);
      const by = { ...LOCAL_CALLER, roles: ["admin", ...customRoles.keys()] };
      return (await keys.make(by, { ...terms, role, namespaces })).text;
    },
    wrong: {
      key: {
        forged: changed(right.text, -9),
        expired: expired.text,
        revoked: revoked.text,
        roleless: roleless.text,
      },
      token: {
        forged: changed(await sign("admin"), -9),
        expired: await sign("admin", "*", -61),
        // A token is revoked by withdrawing its key.
        revoked: await sign("admin", "*", 3_600, "withdrawn"),
        roleless: await sign("gone"),
      },
    },
  };
}

/** The text with one letter changed. */
function changed(text: string, at: number): string {
  const index = text.length + at;
  return `${text.slice(0, index)}${text[index] === "A" ? "B" : "A"}${text.slice(index + 1)}`;
}
