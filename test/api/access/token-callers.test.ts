/** What the claims of a token make of its caller. */
import { expect, test } from "vitest";
import { Credentials } from "#api/access/credentials";
import { type ClaimSettings, TokenCallers } from "#api/access/token-callers";
import { RoleTable } from "#domain/access/roles";
import { instant } from "#domain/time/time";

const usual: ClaimSettings = {
  jwtPrincipalClaim: "sub",
  jwtRoleClaim: "role",
  jwtRoles: new Map(),
  jwtNamespacesClaim: "namespaces",
};
const roles = new RoleTable(new Map([["auditor", ["tasks:read"]]]));
const expiresAt = instant(9);

function callerOf(claims: Record<string, unknown>, settings: Partial<ClaimSettings> = {}) {
  const verifier = { verify: async () => ({ claims, expiresAt }) };
  return new TokenCallers(verifier, { ...usual, ...settings }, roles).callerOf("any");
}

const alice = { sub: "alice", role: "auditor", namespaces: ["a", "b"] };

test("says who calls, as what, where and until when", async () => {
  expect(await callerOf(alice)).toEqual({
    principal: "jwt:alice",
    roles: ["auditor"],
    namespaces: ["a", "b"],
    expiresAt,
  });
  expect(await callerOf({ ...alice, namespaces: "a" })).toMatchObject({ namespaces: ["a"] });
  expect(await callerOf({ ...alice, namespaces: ["a", "*"] })).toMatchObject({ namespaces: "*" });
  expect(await callerOf({ ...alice, role: ["staff", "viewer", "auditor", "viewer"] })).toMatchObject({
    roles: ["viewer", "auditor"],
  });
});

test("claims have the names of the configuration: within others too, and with dots of their own", async () => {
  const claims = {
    email: "a@example",
    "https://x.example/ns": ["a"],
    realm_access: { roles: ["team-7", "admin"] },
  };
  const settings = {
    jwtPrincipalClaim: "email",
    jwtRoleClaim: "realm_access.roles",
    jwtRoles: new Map([["team-7", "operator"]]),
    jwtNamespacesClaim: "https://x.example/ns",
  };
  // With a table a value counts only by it: "admin" here is a group of the issuer's, and no role of ours.
  expect(await callerOf(claims, settings)).toMatchObject({
    principal: "jwt:a@example",
    roles: ["operator"],
    namespaces: ["a"],
  });
});

test.each([
  ["role", undefined, "denied", "ROLE_UNKNOWN"],
  ["role", "owner", "denied", "ROLE_UNKNOWN"],
  ["role", ["owner"], "denied", "ROLE_UNKNOWN"],
  ["role", { admin: true }, "denied", "ROLE_UNKNOWN"],
  ["role", "__proto__", "denied", "ROLE_UNKNOWN"],
  ["namespaces", undefined, "denied", "NAMESPACES_MISSING"],
  ["namespaces", [], "denied", "NAMESPACES_MISSING"],
  ["namespaces", [""], "denied", "NAMESPACES_MISSING"],
  ["namespaces", ["a", 1], "denied", "NAMESPACES_MISSING"],
  ["namespaces", ["a\n"], "denied", "NAMESPACES_MISSING"],
  ["namespaces", Array.from({ length: 1_000 }, (_, n) => `n${n}`), "denied", "NAMESPACES_MISSING"],
  ["sub", undefined, "unauthenticated", "CREDENTIAL_INVALID"],
  ["sub", "", "unauthenticated", "CREDENTIAL_INVALID"],
  ["sub", 7, "unauthenticated", "CREDENTIAL_INVALID"],
  ["sub", "a\u001b[31m", "unauthenticated", "CREDENTIAL_INVALID"],
  ["sub", "x".repeat(253), "unauthenticated", "CREDENTIAL_INVALID"],
])("a token whose claim %s is %j is refused", async (claim, value, code, reason) => {
  await expect(callerOf({ ...alice, [claim]: value })).rejects.toMatchObject({ code, details: { reason } });
});

test("what has three parts is a token where tokens are taken, and an unknown key elsewhere", () => {
  const keys = { callerOf: () => ({ principal: "key", namespaces: [], roles: [] }) };
  const tokens = { callerOf: async () => ({ principal: "token", namespaces: [], roles: [] }) };
  expect(new Credentials(keys, tokens).callerOf("tr_a_b")).toMatchObject({ principal: "key" });
  expect(new Credentials(keys, tokens).callerOf("a.b.c")).toBeInstanceOf(Promise);
  expect(new Credentials(keys, undefined).callerOf("a.b.c")).toMatchObject({ principal: "key" });
});
