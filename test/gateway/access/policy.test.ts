/** The table of who may call what: that it has everything, and what is not in it. Who is let in is in `matrix.test.ts`. */
import { expect, test } from "vitest";
import { builtInRoleNames, builtInRoles, RoleTable } from "#domain/access/roles";
import { scopes } from "#domain/access/scopes";
import type { Caller } from "#domain/caller";
import { authenticate } from "#gateway/access/authenticate";
import { policy, type Requirement } from "#gateway/access/policy";
import { rpcs, services } from "#gateway/handlers/index";
import { routerOf } from "#gateway/http/routes";
import { nameOf } from "../kit/samples.js";

const methods = services.flatMap((service) => service.methods);

test("the table has every rpc of the descriptors and every route, and nothing else", () => {
  const router = routerOf({
    handlers: [],
    rpcs,
    metrics: { contentType: "", render: async () => "" },
    served: { telemetry: { count: () => undefined } } as never,
    streams: {} as never,
    inspection: {} as never,
  });
  const routes = router.routes.map(({ handler }) => (handler.kind === "page" ? handler.asked : ""));
  expect(routes.length).toBeGreaterThan(8);
  expect([...policy.keys()].toSorted()).toEqual([...new Set([...methods.map(nameOf), ...routes])].toSorted());
});

test("each scope is asked for somewhere, and only the admin has all", () => {
  const roles = new RoleTable();
  const asked = new Set<Requirement>(policy.values());
  expect(scopes.filter((scope) => !asked.has(scope))).toEqual([]);
  const all = builtInRoleNames.filter((role) => scopes.every((scope) => roles.allows([role], scope)));
  expect(all).toEqual(["admin"]);
  expect(builtInRoles.worker).toEqual(["workers:connect"]);
  expect(roles.allows(["__proto__", "nobody", ""], "tasks:read")).toBe(false);
});

const header = (name: string) => (name === "x-api-key" ? "any" : undefined);
const asked = "taskrun.v1.TaskService/GetTask";

test("an rpc that is not in the table is open to nobody", () => {
  const caller: Caller = { principal: "key:x", namespaces: "*", roles: ["admin"] };
  const identify = authenticate({ callerOf: () => caller });
  expect(() => identify({ asked: "taskrun.v1.TaskService/DropTasks", header })).toThrow("is open to nobody");
  expect(identify({ asked, header })).toBe(caller);
});

test("what is found by a promise is asked the same", async () => {
  const as = (roles: readonly string[]) =>
    authenticate({ callerOf: async () => ({ principal: "jwt:x", namespaces: "*", roles }) });
  await expect(as(["worker"])({ asked, header })).rejects.toMatchObject({
    details: { reason: "SCOPE_MISSING" },
  });
  await expect(as(["gone"])({ asked, header })).rejects.toMatchObject({
    details: { reason: "ROLE_UNKNOWN" },
  });
  await expect(as(["gone", "viewer"])({ asked, header })).resolves.toMatchObject({ principal: "jwt:x" });
  await expect(as(["viewer"])({ asked: "nothing/Known", header })).rejects.toThrow("is open to nobody");
});

test("a credential that is longer than any is not looked at", () => {
  const identify = authenticate({
    callerOf: () => {
      throw new Error("it was looked at");
    },
  });
  const long = (name: string) => (name === "authorization" ? `Bearer ${"x".repeat(8_193)}` : undefined);
  expect(() => identify({ asked, header: long })).toThrow("the longest has 8192");
});
