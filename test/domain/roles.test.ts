/** Roles, and the words that may stand in them. */
import { expect, test } from "vitest";
import { builtInRoles, RoleTable } from "#domain/access/roles";
import { permissionNames, scopes, scopesOf } from "#domain/access/scopes";

/** As Tasker documents them. */
const tasker =
  "tasks:create tasks:read tasks:list tasks:cancel tasks:context_read steps:read steps:resolve dlq:read dlq:update dlq:stats templates:read templates:validate system:config_read system:handlers_read system:analytics_read worker:config_read worker:templates_read".split(
    " ",
  );

test("all 17 permissions of Tasker may stand in a role", () => {
  expect(tasker).toHaveLength(17);
  expect(tasker.filter((name) => scopesOf(name) === undefined)).toEqual([]);
  expect(tasker.filter((name) => !permissionNames.includes(name))).toEqual([]);
});

test.each([
  "",
  "*",
  "tasks",
  "tasks:",
  ":*",
  "*:read",
  "tasks:**",
  "tasks:re*",
  "__proto__",
  "constructor",
  "tasks:read ",
])("%j is no word of a role", (word) => expect(scopesOf(word)).toBeUndefined());

test("a wildcard is all of its kind, and nothing of another whose name begins alike", () => {
  expect(scopesOf("workers:*")).toEqual([
    "workers:read",
    "workers:drain",
    "workers:connect",
    "workers:invite",
    "workers:revoke",
  ]);
  expect(scopesOf("worker:*")).toEqual(["config:read", "templates:read"]);
  for (const scope of scopes) expect(scopesOf(`${scope.split(":")[0]}:*`)).toContain(scope);
});

test("a role covers another one if it may do all of it; roles that are not there cover nothing and are not covered", () => {
  const roles = new RoleTable(new Map([["auditor", ["tasks:read"]]]));
  expect(roles.names).toEqual([...Object.keys(builtInRoles), "auditor"]);
  expect(roles.covers(["viewer"], "auditor")).toBe(true);
  expect(roles.covers(["auditor"], "viewer")).toBe(false);
  expect(roles.covers(["auditor", "viewer"], "viewer")).toBe(true);
  expect(roles.covers(["admin"], "gone")).toBe(false);
  expect(roles.covers(["gone"], "auditor")).toBe(false);
  expect(new RoleTable().has("auditor")).toBe(false);
});
