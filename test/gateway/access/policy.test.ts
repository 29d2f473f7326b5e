/** Who may call what: every rpc of the descriptors and every route, for every kind of credential. */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { allows, type Role, roleNames, roles, scopes } from "#domain/access/scopes";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { policy, type Requirement } from "#gateway/access/policy";
import { services } from "#gateway/handlers/index";
import { routerOf } from "#gateway/http/routes";
import { memoryStore } from "#stores/memory/index";
import { workerView } from "../kit/fake-plane.js";
import { allMounts, type Mount, type Seen } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";
import { nameOf, prepare, samples } from "../kit/samples.js";

const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);
const HOUR = millis(3_600_000);
let now = instant(1_000_000);
let opened: Opened;
let mounts: readonly Mount[];
let keys: KeyRing;
const texts = {} as Record<Role | "expired" | "revoked" | "elsewhere", string>;

beforeAll(async () => {
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("the memory store keeps keys");
  keys = new KeyRing({ store: credentials, now: () => now });
  const make = async (role: Role, more: { namespaces?: readonly string[]; ttl?: typeof HOUR } = {}) =>
    keys.make(LOCAL_CALLER, { name: role, role, namespaces: "*", ttl: HOUR, ...more });
  for (const role of roleNames) texts[role] = (await make(role)).text;
  texts.expired = (await make("admin", { ttl: millis(1) })).text;
  texts.elsewhere = (await make("admin", { namespaces: ["elsewhere"] })).text;
  const revoked = await make("admin");
  texts.revoked = revoked.text;
  await keys.revoke(LOCAL_CALLER, revoked.row.id);
  now = instant(1_000_002);
  opened = await open({ keys });
  opened.plane.views.push(workerView("w-1"));
  opened.plane.onReport = (report, sink) => {
    if (report.type === "hello") sink.send({ type: "drain", reason: report.info.workerId });
  };
  mounts = allMounts(opened);
});
beforeEach(() => prepare(opened.plane));
afterAll(async () => {
  for (const mount of mounts) mount.close();
  await opened.gateway.close(1_000);
});

test("the table has every rpc of the descriptors and every route, and nothing else", () => {
  const router = routerOf({
    handlers: [],
    metrics: { contentType: "", render: async () => "" },
    served: { telemetry: { count: () => undefined } } as never,
    streams: {} as never,
    inspection: {} as never,
  });
  const routes = router.routes.map(({ path }) => path);
  expect(routes.length).toBeGreaterThan(8);
  expect([...policy.keys()].toSorted()).toEqual([...new Set([...methods.map(nameOf), ...routes])].toSorted());
});

test("each scope is asked for somewhere, and only the admin has all", () => {
  const asked = new Set<Requirement>(policy.values());
  expect(scopes.filter((scope) => !asked.has(scope))).toEqual([]);
  const all = roleNames.filter((role) => scopes.every((scope) => allows([role], scope)));
  expect(all).toEqual(["admin"]);
  expect(roles.worker).toEqual(["workers:connect"]);
  expect(allows(["__proto__", "nobody", ""], "tasks:read")).toBe(false);
});

async function ask(mount: Mount, method: DescMethod, headers: Record<string, string>): Promise<Seen> {
  const sample = samples[nameOf(method)];
  const request = create(method.input, sample?.request) as Message;
  return mount.call(method, [request], sample?.atMost, headers);
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const changed = (text: string) => `${text.slice(0, -9)}${text.at(-9) === "A" ? "B" : "A"}${text.slice(-8)}`;
const unknown = "tr_AAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_000000";

/** Over HTTP/1.1 a stream of requests is answered when all has been asked. */
const carries = (mount: Mount, method: DescMethod) =>
  method.methodKind !== "bidi_streaming" || mount.name !== "connect over HTTP/1.1";

describe.each(methods.map((method) => [nameOf(method), method] as const))("%s", (name, method) => {
  const needs = policy.get(name);

  test("refuses who shows no credential, a wrong one or one that has ended, over every mount", async () => {
    const wrong = [
      [{}, "CREDENTIAL_MISSING"],
      [{ authorization: "Basic YTpi" }, "CREDENTIAL_MISSING"],
      [bearer(unknown), "CREDENTIAL_INVALID"],
      [bearer(changed(texts.admin)), "CREDENTIAL_INVALID"],
      [{ "x-api-key": `${texts.admin}0` }, "CREDENTIAL_INVALID"],
      [bearer(texts.expired), "CREDENTIAL_EXPIRED"],
      [{ "x-api-key": texts.revoked }, "CREDENTIAL_REVOKED"],
    ] as const;
    for (const mount of mounts.filter((each) => carries(each, method))) {
      for (const [headers, reason] of wrong) {
        const { error } = await ask(mount, method, headers);
        if (needs === "nothing") expect(error, mount.name).toBeUndefined();
        else expect(error, `${mount.name} ${reason}`).toMatchObject({ code: 16, reason });
      }
    }
    expect(opened.plane.sinks.length).toBe(0);
  });

  test("lets exactly those roles in that have its scope", async () => {
    const [mount] = mounts;
    if (!mount) throw new Error("there are mounts");
    for (const role of roleNames) {
      const may = needs === "nothing" || needs === "a credential" || allows([role], needs as never);
      const { error } = await ask(mount, method, bearer(texts[role]));
      await prepare(opened.plane);
      opened.plane.sinks.length = 0;
      if (may) expect([7, 16], `${role} ${JSON.stringify(error)}`).not.toContain(error?.code ?? 0);
      else expect(error, role).toMatchObject({ code: 7, reason: "SCOPE_MISSING" });
    }
  });
});

test("who may use other namespaces finds nothing in this one", async () => {
  const [mount] = mounts;
  const own = ["GetTask", "CancelTask", "WatchTask", "WaitTask", "RetryTask", "SignalTask", "ResolveStep"];
  for (const method of methods.filter(({ name }) => own.includes(name))) {
    const { error } = await ask(mount as Mount, method, bearer(texts.elsewhere));
    expect(error, nameOf(method)).toMatchObject({ code: 5 });
  }
});

test("an rpc that is not in the table is open to nobody", async () => {
  const { authenticate } = await import("#gateway/access/authenticate");
  const caller: Caller = { principal: "key:x", namespaces: "*", roles: ["admin"] };
  const identify = authenticate({ callerOf: () => caller });
  const header = (name: string) => (name === "x-api-key" ? "any" : undefined);
  expect(() => identify({ asked: "taskrun.v1.TaskService/DropTasks", header })).toThrow("is open to nobody");
  expect(identify({ asked: "taskrun.v1.TaskService/GetTask", header })).toBe(caller);
});

test("without authentication a credential is ignored, whatever it is", async () => {
  const plain = await open();
  const [mount] = allMounts(plain);
  await prepare(plain.plane);
  const list = methods.find(({ name }) => name === "ListTasks") as DescMethod;
  expect((await ask(mount as Mount, list, bearer("nonsense"))).error).toBeUndefined();
  mount?.close();
  await plain.gateway.close(1_000);
});

test.each([
  ["/health", "", 200],
  ["/", "", 200],
  ["/metrics", "", 401],
  ["/metrics", "viewer", 403],
  ["/metrics", "operator", 200],
  ["/v1/tasks/done/events", "", 401],
  ["/v1/tasks/done/events", "worker", 403],
  ["/v1/tasks/done/events", "viewer", 200],
  ["/v1/tasks/done/events", "elsewhere", 404],
] as const)("%s with the key %j is %i", async (path, key, status) => {
  const headers: Record<string, string> = key === "" ? {} : { "x-api-key": texts[key] };
  const response = await fetch(`http://127.0.0.1:${opened.httpPort}${path}`, { headers });
  expect(response.status).toBe(status);
  await response.body?.cancel();
});
