/** Settings of roles and tokens: what they may be, and what is said of what they may not be. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig, type Sources } from "#cli/server/settings";

const cwd = mkdtempSync(join(tmpdir(), "taskrun-access-"));

function load(given: Partial<Sources>, toml = "") {
  const file = join(cwd, "given.toml");
  writeFileSync(file, toml);
  return loadConfig({ flags: {}, env: {}, cwd, file, ...given });
}

function complaint(given: Partial<Sources>, toml?: string): string {
  try {
    load(given, toml);
    return "no complaint";
  } catch (error) {
    return (error as Error).message;
  }
}

const rolesOf = (given: Partial<Sources>, toml?: string) => Object.fromEntries(load(given, toml).roles);

describe("roles", () => {
  test("are a table in the file, and NAME=SCOPE+SCOPE in flags and the environment", () => {
    const auditor = ["tasks:read", "tasks:list"];
    const toml = '[roles]\nauditor = ["tasks:read", "tasks:list"]\n';
    expect(rolesOf({}, toml)).toEqual({ auditor });
    expect(rolesOf({ flags: { roles: ["auditor=tasks:read+tasks:list"] } }, toml)).toEqual({ auditor });
    const env = { TASKRUN_ROLES: "auditor=tasks:read+tasks:list, ops=steps:resolve" };
    expect(rolesOf({ env })).toEqual({ auditor, ops: ["steps:resolve"] });
  });

  test("take permissions of Tasker for scopes, and wildcards for all of one kind", () => {
    const toml = `[roles]
reader = ["tasks:context_read", "dlq:read", "system:analytics_read"]
keeper = ["keys:*"]
all-tasks = ["tasks:*"]
`;
    expect(rolesOf({}, toml)).toEqual({
      reader: ["tasks:read", "dead_letters:read", "metrics:read"],
      keeper: ["keys:read", "keys:write"],
      "all-tasks": [
        "tasks:create",
        "tasks:read",
        "tasks:list",
        "tasks:cancel",
        "tasks:signal",
        "tasks:retry",
      ],
    });
  });

  test.each([
    ['a = ["taks:read"]', 'role "a" has the scope "taks:read", which is none: did you mean tasks:read?'],
    ['a = ["*"]', 'role "a" has the scope "*", which is none: name what it may do, for example tasks:*'],
    ['a = ["nothing:*"]', 'role "a" has the scope "nothing:*", which is none'],
    ["a = []", 'role "a" has no scopes'],
    ['admin = ["tasks:read"]', 'role "admin" is built in: give yours another name'],
    ['"A b" = ["tasks:read"]', 'role "A b" is no name'],
    ["a = 1", "write a table of roles, for example"],
  ])("%s is refused", (line, message) => {
    expect(complaint({}, `[roles]\n${line}\n`)).toContain(message);
  });

  test("a role that is there twice is refused", () => {
    expect(complaint({ flags: { roles: ["a=tasks:read", "a=tasks:list"] } })).toContain(
      'role "a" is there twice',
    );
  });
});

describe("tokens", () => {
  const issuer = 'jwt-issuer = "https://login.example"\nauth = "on"\n';

  test("their keys are a URL or a path, and stay what they are", () => {
    const url = "https://login.example/jwks.json";
    expect(load({}, `jwt-keys = "${url}"\n${issuer}`)).toMatchObject({
      jwtKeys: url,
      jwtAudience: ["taskrun"],
    });
    expect(load({}, `jwt-keys = "keys.pem"\n${issuer}`).jwtKeys).toBe(resolve("keys.pem"));
    expect(load({}, `jwt-keys = "http://127.0.0.1:9/jwks"\n${issuer}`).jwtKeys).toBe(
      "http://127.0.0.1:9/jwks",
    );
  });

  test.each([
    ['jwt-keys = "http://login.example/jwks"', "would be fetched in plaintext"],
    ['jwt-keys = "http://127.0.0.1.example/jwks"', "would be fetched in plaintext"],
    ['jwt-keys = "ftp://login.example/jwks"', "would be fetched in plaintext"],
    ['jwt-keys = "https://me:secret@login.example/jwks"', "must not hold a user or password"],
    ['jwt-algorithms = ["HS256"]', '"HS256" is none of ES256'],
    ['jwt-algorithms = ["none"]', '"none" is none of ES256'],
    ["jwt-algorithms = []", "is empty: name at least one algorithm"],
    ["jwt-audience = []", "is empty: name at least one"],
    [
      'jwt-roles = { ops = "operater" }',
      'jwt-roles: "operater" is no role; there are viewer, operator, admin, worker',
    ],
    ['jwt-roles = ["ops"]', '"=ops" is not VALUE=ROLE'],
  ])("%s is refused", (line, message) => {
    const said = complaint(
      {},
      `${line}\n${issuer}${line.startsWith("jwt-keys") ? "" : 'jwt-keys = "k.pem"\n'}`,
    );
    expect(said).toContain(message);
    expect(said).not.toContain("secret");
  });

  test("keys need an issuer, an issuer keys, and both that somebody is asked", () => {
    expect(complaint({ flags: { "jwt-keys": "k.pem", auth: "on" } })).toContain(
      "jwt-keys is without an issuer",
    );
    expect(complaint({ flags: { "jwt-issuer": "x" } })).toContain("jwt-issuer is without keys");
    expect(complaint({ flags: { "jwt-keys": "k.pem", "jwt-issuer": "x" } })).toContain("say --auth on");
  });

  test("values of a claim are roles by a table, custom ones too", () => {
    const toml = `${issuer}jwt-keys = "k.pem"
[roles]
auditor = ["tasks:read"]
[jwt-roles]
"https://login.example/groups=7" = "auditor"
`;
    expect(load({}, toml).jwtRoles).toEqual(new Map([["https://login.example/groups=7", "auditor"]]));
    const flags = { "jwt-roles": ["cn=ops=operator"], "jwt-keys": "k.pem", "jwt-issuer": "x", auth: "on" };
    expect(load({ flags }).jwtRoles).toEqual(new Map([["cn=ops", "operator"]]));
  });
});

describe("rates", () => {
  test("are a table in the file, and NAMESPACE=NUMBER in flags", () => {
    const wanted = new Map([
      ["research", 50],
      ["*", 0.5],
    ]);
    expect(load({}, '[create-rates]\nresearch = 50\n"*" = 0.5\n').createRates).toEqual(wanted);
    expect(load({ flags: { "create-rates": ["research=50", "*=0.5"] } }).createRates).toEqual(wanted);
  });

  test("so are the other limits of namespaces; output counts in MiB", () => {
    const toml = '[waiting-tasks]\na = 5\n[open-watchers]\n"*" = 2\n[daily-output]\na = 0.5\n';
    expect(load({}, toml)).toMatchObject({
      waitingTasks: new Map([["a", 5]]),
      openWatchers: new Map([["*", 2]]),
      dailyOutput: new Map([["a", 524_288]]),
    });
    expect(load({ env: { TASKRUN_WAITING_TASKS: "a=5,*=9" } }).waitingTasks.get("*")).toBe(9);
  });

  test.each(["waiting-tasks", "open-watchers"] as const)("%s are whole numbers", (name) => {
    for (const text of ["a=0", "a=1.5", "a=1e9"]) {
      const wanted = /must be a namespace with a whole number above 0 and up to 100000?0?: write a table/;
      expect(complaint({ flags: { [name]: [text] } })).toMatch(wanted);
    }
  });

  test.each(["a", "a=", "=5", "a=0", "a=-1", "a=x", "a=2000000"])("%s is refused", (text) => {
    expect(complaint({ flags: { "create-rates": [text] } })).toContain(
      "must be a namespace with a number above 0",
    );
  });
});

describe("clients' certificates", () => {
  const toml = `tls = "auto"
client-ca = "ca.pem"
[roles]
auditor = ["tasks:read"]
[client-certificates]
ci = { role = "auditor", namespaces = ["research", "billing"] }
"*" = { role = "viewer", namespaces = "*" }
`;
  const wanted = new Map([
    ["ci", { role: "auditor", namespaces: ["research", "billing"] }],
    ["*", { role: "viewer", namespaces: "*" }],
  ]);
  const flagsOf = (...entries: string[]) => ({
    ...{ "client-ca": "ca.pem", tls: "auto", "client-certificates": entries },
  });

  test("are a table in the file, and NAME=ROLE@NAMESPACE+NAMESPACE in flags", () => {
    expect(load({}, toml)).toMatchObject({ clientCa: join(cwd, "ca.pem"), clientCertificates: wanted });
    const flags = flagsOf("ci=auditor@research+billing", "*=viewer@*");
    expect(load({ flags }, '[roles]\nauditor = ["tasks:read"]\n').clientCertificates).toEqual(wanted);
  });

  test.each([
    ["ci=operator", 'client "" is no name in a certificate'],
    ["ci=@a", 'client "ci" has no role'],
    ["ci=operator@", 'client "" is no name in a certificate'],
    ["ci=operator@a++b", 'client "ci" has no namespaces, or one that is none'],
    ["a/b=operator@a", 'client "a/b" is no name in a certificate'],
    ["ci=worker@a", 'client "ci" has the role worker: workers are invited'],
    ["ci=nobody@a", 'client-certificates: "nobody" is no role; there are viewer, operator, admin, worker'],
  ])("%s is refused", (text, says) => {
    expect(complaint({ flags: flagsOf(text) })).toContain(says);
  });

  test("need an authority, and it needs them, TLS and authentication", () => {
    expect(complaint({ flags: flagsOf("a=admin@a", "a=viewer@a") })).toContain('client "a" is there twice');
    expect(complaint({ flags: { "client-ca": "ca.pem", tls: "auto" } })).toContain(
      "client-ca is without clients",
    );
    const named = { "client-certificates": ["ci=admin@*"] };
    expect(complaint({ flags: named })).toContain("client-certificates is without an authority");
    const says = "client-ca is given, and nobody is asked for a certificate";
    expect(complaint({ flags: { ...named, "client-ca": "ca.pem" } })).toContain(says);
    expect(complaint({ flags: { ...flagsOf("ci=admin@*"), auth: "off" } })).toContain(says);
  });
});
