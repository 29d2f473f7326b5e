/** What the audit log says of a server's settings at its start. */
import { expect, test } from "vitest";
import { serverConfig } from "#config/index";
import { OPEN_POLICY, policyWords } from "#config/policy-words";
import { auditRecord } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import { recordChange } from "#host/audit/changes";
import { limits } from "#limits/index";
import { MemoryAudit } from "#stores/memory/audit";

const POLICY = { action: "policy.change", object: "server" } as const;

function start(store = new MemoryAudit()) {
  const add = (record: Parameters<typeof auditRecord>[0]) =>
    store.add({ chain: "server", records: [auditRecord(record)] });
  const trail = { record: async (said: object) => add({ at: instant(1), ...said } as never) };
  const told = async () =>
    (await store.entries(undefined, 1_000_000)).map(({ actor, action, detail }) => [actor, action, detail]);
  return {
    store,
    add,
    told,
    begin: (detail: string) => recordChange(trail, store, { ...POLICY, detail }, OPEN_POLICY),
  };
}

test("a start with other settings is an entry, the same settings again are none, and neither is a start without any", async () => {
  const { begin, told } = start();
  await begin(OPEN_POLICY);
  expect(await told()).toEqual([]);
  for (const detail of ["one", "one", "two", "one", OPEN_POLICY]) await begin(detail);
  expect(await told()).toEqual(
    ["one", "two", "one", OPEN_POLICY].map((detail) => ["local", "policy.change", detail]),
  );
});

test("the last word is found behind thousands of other entries; behind too many it is said again", async () => {
  const { begin, told, add } = start();
  const crowd = (count: number) => {
    for (let i = 0; i < count; i++) add({ at: instant(2), actor: "a", action: "call", object: "x" });
  };
  await begin("one");
  crowd(limits.auditPage * 2);
  await begin("one");
  expect((await told()).filter(([, action]) => action === "policy.change").length).toBe(1);
  crowd(limits.auditPage * 21);
  await begin("one");
  expect((await told()).filter(([, action]) => action === "policy.change").length).toBe(2);
});

test("each setting that lets somebody in, or lets somebody do something, is another policy; others are not", () => {
  const base = { auth: "on", "jwt-keys": "/keys", "jwt-issuer": "https://i.example", "jwt-audience": ["a"] };
  const words = (more: object = {}) => policyWords(serverConfig({ ...base, ...more } as never));
  const policies = [
    {},
    { insecure: true },
    { tls: "auto" },
    { auth: "off", "jwt-keys": undefined, "jwt-issuer": undefined, "jwt-audience": undefined },
    { roles: { auditor: ["tasks:read"] } },
    { roles: { auditor: ["tasks:read", "tasks:list"] } },
    { "jwt-keys": "/others" },
    { "jwt-issuer": "https://j.example" },
    { "jwt-audience": ["b"] },
    { "jwt-algorithms": ["EdDSA"] },
    { "jwt-principal-claim": "email" },
    { "jwt-role-claim": "groups" },
    { "jwt-roles": { staff: "viewer" } },
    { "jwt-namespaces-claim": "teams" },
    { "worker-certificate": "1h" },
    { tls: "auto", "client-ca": "/c.pem", "client-certificates": ["ci=admin@*"] },
    { tls: "auto", "client-ca": "/c.pem", "client-certificates": ["ci=admin@a"] },
    { tls: "auto", "client-ca": "/d.pem", "client-certificates": ["ci=admin@a"] },
  ].map(words);
  expect(new Set(policies).size).toBe(policies.length);
  expect(words({ retention: "9d", "log-level": "debug", connections: 99 })).toBe(words());
  expect(policyWords(serverConfig({}))).toBe(OPEN_POLICY);
  expect(words({ roles: { auditor: ["tasks:read"] } })).toMatch(
    /^sha256:[0-9a-f]{16}, auth on, tls off, roles auditor, tokens of https:\/\/i\.example$/,
  );
});
