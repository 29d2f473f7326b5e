/**
 * Who may call what: every rpc of the descriptors and every route, over every mount, for every kind of credential and every
 * state of it. A new rpc or route fails here until the tables of policy and samples have it.
 */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { policy } from "#gateway/access/policy";
import { services } from "#gateway/handlers/index";
import { type Handed, handOut, kinds } from "../kit/credentials.js";
import { workerView } from "../kit/fake-plane.js";
import { allMounts, type Mount, type Seen } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";
import { answerWorkers, nameOf, prepare, samples } from "../kit/samples.js";

const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);
const UNAUTHENTICATED = 16;
const DENIED = 7;
let handed: Handed;
let opened: Opened;
/** Asks nobody for a credential. */
let plain: Opened;
let mounts: readonly Mount[];
let plainMounts: readonly Mount[];

beforeAll(async () => {
  handed = await handOut();
  opened = await open({ ...handed.settings, inspection });
  plain = await open({ inspection });
  for (const each of [opened, plain]) {
    each.plane.views.push(workerView("w-1"));
    answerWorkers(each.plane);
  }
  mounts = allMounts(opened);
  plainMounts = allMounts(plain);
});
beforeEach(async () => {
  for (const { plane } of [opened, plain]) {
    await prepare(plane);
    plane.sinks.length = 0;
  }
});
afterAll(async () => {
  for (const mount of [...mounts, ...plainMounts]) mount.close();
  await Promise.all([opened.gateway.close(1_000), plain.gateway.close(1_000)]);
});

/** Nothing is looked at: a viewer would wait for the plane. */
const inspection = {
  attach: () => undefined,
  replay: () => ({ begin: () => [], next: () => undefined }),
} as never;

function ask(mount: Mount, method: DescMethod, headers: Record<string, string>): Promise<Seen> {
  const sample = samples[nameOf(method)];
  if (!sample) throw new Error(`there is no sample for ${nameOf(method)}`);
  return mount.call(method, [create(method.input, sample.request) as Message], sample.atMost, headers);
}

const MISSING =
  "this server asks for a credential: send an API key as x-api-key, or as authorization: Bearer KEY.";
const NOT_A_KEY =
  "the credential is not valid: send an API key as x-api-key, or as authorization: Bearer KEY.";
const NOT_A_TOKEN = "the token is not valid: its signature, algorithm or form is not what this server takes.";
const TWO =
  "authorization and x-api-key hold two different credentials: send one of them, or the same in both.";

/** What is refused whatever is asked for: with which reason, in which words. */
const refused = [
  ["none", undefined, UNAUTHENTICATED, "CREDENTIAL_MISSING", MISSING],
  ["forged", "key", UNAUTHENTICATED, "CREDENTIAL_INVALID", NOT_A_KEY],
  ["forged", "token", UNAUTHENTICATED, "CREDENTIAL_INVALID", NOT_A_TOKEN],
  ["expired", "key", UNAUTHENTICATED, "CREDENTIAL_EXPIRED", "the API key has expired: use another one."],
  [
    "expired",
    "token",
    UNAUTHENTICATED,
    "CREDENTIAL_EXPIRED",
    "the token has expired: get a new one from its issuer.",
  ],
  ["revoked", "key", UNAUTHENTICATED, "CREDENTIAL_REVOKED", "the API key was revoked: use another one."],
  ["revoked", "token", UNAUTHENTICATED, "CREDENTIAL_INVALID", NOT_A_TOKEN],
  ["roleless", "key", DENIED, "ROLE_UNKNOWN", /^key:\w+ has the role gone, which this server does not have/],
  ["roleless", "token", DENIED, "ROLE_UNKNOWN", "the token's claim role names no role that this server has."],
] as const;

/** Both headers are good for every credential: they take turns. */
const asBearer = (text: string) => ({ authorization: `Bearer ${text}` });
const asKey = (text: string) => ({ "x-api-key": text });

function headersOf([state, kind]: (typeof refused)[number], turn: number): Record<string, string> {
  if (kind === undefined) return turn % 2 === 0 ? {} : { authorization: "Basic YTpi" };
  return (turn % 2 === 0 ? asBearer : asKey)(handed.wrong[kind][state]);
}

/** Over HTTP/1.1 a stream of requests is answered when all has been asked. */
const carries = (mount: Mount, method: DescMethod) =>
  method.methodKind !== "bidi_streaming" || mount.name !== "connect over HTTP/1.1";

/** A role that does not have the scope. */
const without = (scope: string) => (scope === "tasks:list" ? "connector" : "lister");

/**
 * What an rpc does for a caller of another namespace. What the plane decides, of which there is none here, is tested with the
 * walls between namespaces.
 */
const elsewhere: Readonly<
  Record<string, "not found" | "nothing in it" | "own" | "of the server" | "of all" | "by the plane">
> = {
  "taskrun.v1.TaskService/CreateTask": "own",
  "taskrun.v1.TaskService/BatchCreateTasks": "own",
  "taskrun.v1.TaskService/RunTask": "own",
  "taskrun.v1.TaskService/WaitTask": "not found",
  "taskrun.v1.TaskService/GetTask": "not found",
  "taskrun.v1.TaskService/ExplainTask": "not found",
  "taskrun.v1.TaskService/ListTasks": "by the plane",
  "taskrun.v1.TaskService/GetOverview": "nothing in it",
  "taskrun.v1.TaskService/BulkTasks": "by the plane",
  "taskrun.v1.TaskService/CancelTask": "not found",
  "taskrun.v1.TaskService/RetryTask": "not found",
  "taskrun.v1.TaskService/ForkTask": "not found",
  "taskrun.v1.TaskService/SignalTask": "not found",
  "taskrun.v1.TaskService/ResolveStep": "not found",
  "taskrun.v1.TaskService/TopUpTask": "not found",
  "taskrun.v1.TaskService/WatchTask": "not found",
  "taskrun.v1.TaskService/GetStepResult": "not found",
  "taskrun.v1.TaskService/GetStepAudit": "not found",
  "taskrun.v1.TaskService/GetStepJournal": "not found",
  "taskrun.v1.DeadLetterService/ListDeadLetters": "by the plane",
  "taskrun.v1.DeadLetterService/GetDeadLetter": "not found",
  "taskrun.v1.DeadLetterService/GetDeadLetterStats": "by the plane",
  "taskrun.v1.DeadLetterService/ListInvestigationQueue": "by the plane",
  "taskrun.v1.DeadLetterService/ListStaleness": "by the plane",
  "taskrun.v1.DeadLetterService/UpdateDeadLetter": "not found",
  "taskrun.v1.DeadLetterService/RedriveDeadLetter": "not found",
  "taskrun.v1.WorkerService/ListWorkers": "by the plane",
  "taskrun.v1.WorkerService/GetWorker": "by the plane",
  "taskrun.v1.WorkerService/DrainWorker": "by the plane",
  "taskrun.v1.WorkerService/ListAgents": "nothing in it",
  "taskrun.v1.RunService/StreamConnect": "own",
  "taskrun.v1.RunService/GetRunInput": "not found",
  "taskrun.v1.RunService/GetJournal": "not found",
  "taskrun.v1.RunService/GetStepResult": "not found",
  "taskrun.v1.TemplateService/Register": "own",
  "taskrun.v1.TemplateService/Get": "not found",
  "taskrun.v1.TemplateService/List": "nothing in it",
  "taskrun.v1.TemplateService/Validate": "of the server",
  "taskrun.v1.NodeService/ListNodes": "of all",
  "taskrun.v1.PauseService/Pause": "own",
  "taskrun.v1.PauseService/Resume": "own",
  "taskrun.v1.PauseService/GetPause": "own",
  "taskrun.v1.UsageService/GetUsage": "nothing in it",
  "taskrun.v1.PauseService/ListPauses": "of the server",
  "taskrun.v1.AccessService/CreateKey": "own",
  "taskrun.v1.AccessService/ListKeys": "own",
  "taskrun.v1.AccessService/RotateKey": "not found",
  "taskrun.v1.AccessService/RevokeKey": "not found",
  "taskrun.v1.AccessService/CreateWatchToken": "not found",
  "taskrun.v1.AuditService/ListAudit": "of the server",
  "taskrun.v1.AuthorityService/GetAuthority": "of the server",
  "taskrun.v1.AuthorityService/RotateAuthority": "of the server",
  "taskrun.v1.EnrollmentService/InviteWorkers": "of the server",
  "taskrun.v1.EnrollmentService/Enroll": "of the server",
  "taskrun.v1.EnrollmentService/RenewCertificate": "of the server",
  "taskrun.v1.EnrollmentService/ListEnrolledWorkers": "of the server",
  "taskrun.v1.EnrollmentService/RevokeWorker": "of the server",
};

/** What is asked of each route, as the path of a request. */
const paths: Readonly<Record<string, string>> = {
  "/": "/",
  "/health": "/health",
  "/health/live": "/health/live",
  "/health/ready": "/health/ready",
  "/health/detailed": "/health/detailed",
  "/metrics": "/metrics",
  "/v1/tasks/{id}/events": "/v1/tasks/done/events",
  "/v1/tasks/{id}/output": "/v1/tasks/done/output",
  "/v1/enroll": "/v1/enroll",
  "/api-docs/openapi.json": "/api-docs/openapi.json",
  "/api-docs/ui": "/api-docs/ui",
  "/api-docs/ui/{file}": "/api-docs/ui/viewer.css",
  "/docs": "/docs",
  "/inspect": "/inspect",
  "/inspect/dagre.js": "/inspect/dagre.js",
  "/inspect/{folder}/{file}": "/inspect/page/page.js",
  "/inspect/events": "/inspect/events",
  "/inspect/tasks/{id}/events": "/inspect/tasks/done/events",
};
const routes = [...policy.keys()].filter((path) => path.startsWith("/"));

test("every rpc of a namespace says what it is for those of another", () => {
  const ours = methods.map(nameOf).filter((name) => name.startsWith("taskrun."));
  expect(Object.keys(elsewhere).toSorted()).toEqual(ours.toSorted());
});

describe.each(methods.map((method) => [nameOf(method), method] as const))("%s", (name, method) => {
  const needs = policy.get(name);
  const isOpen = needs === "nothing" || needs === "a token";
  /** Of what is open: whoever has a token has no credential yet, and without an authority nobody is enrolled. */
  const expectOpen = (error: unknown, what: string) =>
    needs === "a token"
      ? expect(error, what).toMatchObject({ reason: "ENROLLMENT_OFF" })
      : expect(error, what).toBeUndefined();

  test("refuses every credential that is none, wrong or ended, over every mount", async () => {
    let turn = 0;
    for (const mount of mounts.filter((each) => carries(each, method))) {
      for (const row of refused) {
        const [state, kind, code, reason, message] = row;
        const { error } = await ask(mount, method, headersOf(row, turn++));
        const what = `${mount.name}: ${state} ${kind}`;
        if (isOpen) expectOpen(error, what);
        else {
          expect(error, what).toMatchObject({ code, reason });
          expect(error?.message, what).toMatch(message);
        }
      }
    }
    expect(opened.plane.sinks.length).toBe(0);
  });

  test("refuses two credentials that differ, and takes one that is sent twice", async () => {
    const [key, token] = [await handed.of("key", "admin"), await handed.of("token", "admin")];
    for (const mount of mounts.filter((each) => carries(each, method))) {
      const { error } = await ask(mount, method, { ...asBearer(token), ...asKey(key) });
      if (isOpen) expectOpen(error, mount.name);
      else
        expect(error, mount.name).toMatchObject({
          code: UNAUTHENTICATED,
          reason: "CREDENTIAL_AMBIGUOUS",
          message: TWO,
        });
      const same = await ask(mount, method, { ...asBearer(key), ...asKey(key) });
      expect([DENIED, UNAUTHENTICATED], mount.name).not.toContain(same.error?.code);
      await prepare(opened.plane);
    }
  });

  test.each(kinds)("asks for its scope, and lets everybody in who has it, by a %s", async (kind) => {
    const isScope =
      needs !== undefined && needs !== "nothing" && needs !== "a token" && needs !== "a credential";
    const small = await handed.of(kind, without(String(needs)));
    const right = await handed.of(kind, "admin");
    let turn = 0;
    for (const mount of mounts.filter((each) => carries(each, method))) {
      const show = turn++ % 2 === 0 ? asBearer : asKey;
      if (isScope) {
        const { error } = await ask(mount, method, show(small));
        expect(error, mount.name).toMatchObject({
          code: DENIED,
          reason: "SCOPE_MISSING",
          message: `${name} needs ${needs}, which your credential does not have.`,
        });
      }
      const { error } = await ask(mount, method, show(right));
      expect([DENIED, UNAUTHENTICATED], `${mount.name} ${JSON.stringify(error)}`).not.toContain(error?.code);
      await prepare(opened.plane);
    }
    for (const role of handed.roles.names) {
      const may = !isScope || handed.roles.allows([role], needs);
      const { error } = await ask(mounts[0] as Mount, method, asKey(await handed.of(kind, role)));
      if (may) expect([DENIED, UNAUTHENTICATED], `${role} ${error?.message}`).not.toContain(error?.code);
      else expect(error, role).toMatchObject({ code: DENIED, reason: "SCOPE_MISSING" });
      await prepare(opened.plane);
    }
  });

  test.each(kinds)("keeps to the namespaces of a %s", async (kind) => {
    const how = elsewhere[name];
    if (how === undefined || how === "of the server" || how === "by the plane") return;
    const foreign = asBearer(await handed.of(kind, "admin", ["elsewhere"]));
    for (const mount of mounts.filter((each) => carries(each, method))) {
      const { answers, error } = await ask(mount, method, foreign);
      if (how === "not found") expect(error, mount.name).toMatchObject({ code: 5 });
      else if (how === "of all")
        expect(error, mount.name).toMatchObject({ code: DENIED, reason: "NAMESPACES_LIMITED" });
      else if (how === "nothing in it") {
        const [answer] = answers as unknown as readonly Record<string, unknown>[];
        const lists = Object.values(answer ?? { none: [1] }).filter(Array.isArray);
        expect([lists.length > 0, lists.flat()], mount.name).toEqual([true, []]);
      } else if (name !== "taskrun.v1.TemplateService/Register") expect(error, mount.name).toBeUndefined();
      else expect(error, mount.name).toMatchObject({ code: DENIED, fields: ["namespace"] });
    }
  });

  test("ignores whatever is shown where nobody is asked", async () => {
    const wrong = { ...asBearer(handed.wrong.token.expired), ...asKey("nonsense") };
    for (const mount of plainMounts.filter((each) => carries(each, method))) {
      await prepare(plain.plane);
      const bare = await ask(mount, method, {});
      await prepare(plain.plane);
      const shown = await ask(mount, method, wrong);
      expect(shown.error?.code, mount.name).toBe(bare.error?.code);
      expect(shown.answers.length, mount.name).toBe(bare.answers.length);
    }
  });
});

/** A request of a route: its status, and of a refusal its reason and text. */
async function get(at: Opened, route: string, headers: Record<string, string>) {
  const response = await fetch(`http://127.0.0.1:${at.httpPort}${paths[route]}`, { headers });
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  const problem = isProblem ? ((await response.json()) as { detail?: string; reason?: string }) : {};
  await response.body?.cancel().catch(() => undefined);
  return { status: response.status, ...problem };
}

describe.each(routes)("GET %s", (route) => {
  const needs = policy.get(route);
  const isOpen = needs === "nothing" || needs === "a token";

  test("is asked for by its sample, and answers who has its scope", async () => {
    expect(paths[route]).toBeDefined();
    const bare = await get(plain, route, {});
    for (const kind of kinds) {
      const right = await handed.of(kind, "admin");
      for (const show of [asBearer, asKey]) expect(await get(opened, route, show(right))).toEqual(bare);
    }
  });

  test("refuses every credential that is none, wrong or ended, or has too small a scope", async () => {
    let turn = 0;
    for (const row of refused) {
      const [state, kind, code, reason, message] = row;
      const answer = await get(opened, route, headersOf(row, turn++));
      const status = code === DENIED ? 403 : 401;
      if (isOpen) expect([401, 403], `${state} ${kind}`).not.toContain(answer.status);
      else {
        expect(answer, `${state} ${kind}`).toMatchObject({ status, reason });
        expect(answer.detail).toMatch(message);
      }
    }
    for (const kind of kinds) {
      const small = await handed.of(kind, without(String(needs)));
      const answer = await get(opened, route, asKey(small));
      if (isOpen) expect([401, 403]).not.toContain(answer.status);
      else if (needs === "metrics:read") expect(answer.status).toBe(403);
      else expect(answer).toMatchObject({ status: 403, reason: "SCOPE_MISSING" });
    }
    const two = { ...asBearer(await handed.of("key", "admin")), ...asKey(await handed.of("token", "admin")) };
    if (!isOpen) expect(await get(opened, route, two)).toMatchObject({ status: 401, detail: TWO });
  });

  test("ignores whatever is shown where nobody is asked", async () => {
    const wrong = { ...asBearer(handed.wrong.token.expired), ...asKey("nonsense") };
    expect(await get(plain, route, wrong)).toEqual(await get(plain, route, {}));
  });
});

test("what is in another namespace is not there, over HTTP too", async () => {
  for (const kind of kinds) {
    const foreign = asBearer(await handed.of(kind, "admin", ["elsewhere"]));
    const answer = await get(opened, "/v1/tasks/{id}/events", foreign);
    expect(answer).toMatchObject({ status: 404, detail: "Task not found: done" });
    for (const route of ["/inspect/events", "/metrics"]) {
      expect(await get(opened, route, foreign)).toMatchObject({ status: 403, reason: "NAMESPACES_LIMITED" });
    }
    expect(await get(opened, "/inspect/tasks/{id}/events", foreign)).toEqual(answer);
  }
});
