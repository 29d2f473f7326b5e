/**
 * What leaves an entry in the audit log: for every rpc and route of the policy table, over a plane, listeners and an authority as a
 * server has them. A new rpc or route fails here until the table says what it does, and one that changes something until it leaves
 * its entry. What a worker leaves that speaks for another one is in `impostors.test.ts`.
 */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditEntry } from "#domain/audit/record";
import { policy } from "#gateway/access/policy";
import { services } from "#gateway/handlers/index";
import { nameOf, samples } from "../kit/samples.js";
import { type AuditedWorld, openAuditedWorld } from "./audited-world.js";
import { readingRoutes } from "./reading-routes.js";
import { toolEffects } from "./tool-effects.js";

/** What an entry must be: of which action, on what. Of a call by the operator, unless it says who else. */
interface Expected {
  readonly action: string;
  readonly object: RegExp;
  readonly actor?: RegExp;
  /** Does it, by the operator. */
  readonly act: (world: AuditedWorld) => Promise<unknown>;
}

/**
 * `reads` changes nothing; `own` is the ordinary work of clients with their Tasks, or of workers with their Runs, which Tasks' own logs
 * tell of.
 */
type Effect = "reads" | "own" | Expected;

const TASK = "taskrun.v1.TaskService";
const effects: Readonly<Record<string, Effect>> = {
  [`${TASK}/CreateTask`]: "own",
  [`${TASK}/BatchCreateTasks`]: "own",
  [`${TASK}/RunTask`]: "own",
  [`${TASK}/WaitTask`]: "reads",
  [`${TASK}/GetTask`]: "reads",
  [`${TASK}/ExplainTask`]: "reads",
  [`${TASK}/ListTasks`]: "reads",
  [`${TASK}/GetOverview`]: "reads",
  [`${TASK}/CancelTask`]: {
    action: "task.cancel",
    object: /^task [\w-]{36}$/,
    act: async ({ operator, creator }) => operator.tasks.cancel((await creator.waiting()).id),
  },
  [`${TASK}/RetryTask`]: {
    action: "task.retry",
    object: /^task [\w-]{36}$/,
    act: async ({ operator, creator }) => operator.tasks.retry((await creator.ended()).id),
  },
  [`${TASK}/ForkTask`]: {
    action: "task.fork",
    object: /^task [\w-]{36}$/,
    act: async ({ operator, creator }) => operator.tasks.fork((await creator.ended()).id, { from: "main" }),
  },
  [`${TASK}/BulkTasks`]: {
    action: "task.bulk",
    object: /^bulk nightly$/,
    act: async ({ operator, creator }) => {
      await creator.waiting();
      return operator.tasks.bulk({ action: "cancel", bulkId: "nightly" });
    },
  },
  [`${TASK}/SignalTask`]: {
    action: "task.signal",
    object: /^task [\w-]{36}$/,
    act: async ({ operator, creator }) => operator.tasks.signal((await creator.asking()).id, "approve", true),
  },
  [`${TASK}/ResolveStep`]: {
    action: "step.resolve",
    object: /^step [\w-]{36}\/main$/,
    act: async ({ operator, creator }) =>
      operator.tasks.resolveStep((await creator.waiting()).id, "main", { action: "complete", result: 1 }),
  },
  [`${TASK}/TopUpTask`]: {
    action: "task.top_up",
    object: /^task [\w-]{36}$/,
    act: async ({ operator, creator }) =>
      operator.tasks.topUp((await creator.waiting({ tokens: 10 })).id, { tokens: 5 }),
  },
  [`${TASK}/WatchTask`]: "reads",
  [`${TASK}/GetStepResult`]: "reads",
  [`${TASK}/GetStepAudit`]: "reads",
  [`${TASK}/GetStepJournal`]: "reads",
  "taskrun.v1.DeadLetterService/ListDeadLetters": "reads",
  "taskrun.v1.DeadLetterService/GetDeadLetter": "reads",
  "taskrun.v1.DeadLetterService/GetDeadLetterStats": "reads",
  "taskrun.v1.DeadLetterService/ListInvestigationQueue": "reads",
  "taskrun.v1.DeadLetterService/ListStaleness": "reads",
  "taskrun.v1.DeadLetterService/UpdateDeadLetter": {
    action: "dead_letter.update",
    object: /^task [\w-]{36}$/,
    act: async ({ operator, creator }) =>
      operator.deadLetters.update((await creator.failed()).id, { status: "PERMANENTLY_FAILED" }),
  },
  "taskrun.v1.DeadLetterService/RedriveDeadLetter": {
    action: "dead_letter.redrive",
    object: /^task [\w-]{36}$/,
    act: async ({ operator, creator }) => operator.deadLetters.redrive((await creator.failed()).id),
  },
  "taskrun.v1.WorkerService/ListWorkers": "reads",
  "taskrun.v1.WorkerService/GetWorker": "reads",
  "taskrun.v1.WorkerService/DrainWorker": {
    action: "worker.drain",
    object: /^worker w-drained$/,
    act: async ({ operator, connectWorker }) => {
      await connectWorker("w-drained");
      return operator.workers.drain("w-drained");
    },
  },
  "taskrun.v1.WorkerService/ListAgents": "reads",
  "taskrun.v1.RunService/StreamConnect": "own",
  "taskrun.v1.RunService/GetRunInput": "own",
  "taskrun.v1.RunService/GetJournal": "own",
  "taskrun.v1.RunService/GetStepResult": "own",
  "taskrun.v1.TemplateService/Register": {
    action: "template.register",
    object: /^template orders\/audited@2\.0\.0$/,
    act: ({ operator, templateText }) => operator.templates.register(templateText("2.0.0")),
  },
  "taskrun.v1.TemplateService/Get": "reads",
  "taskrun.v1.TemplateService/List": "reads",
  "taskrun.v1.TemplateService/Validate": "reads",
  "taskrun.v1.NodeService/ListNodes": "reads",
  "taskrun.v1.PauseService/Pause": {
    action: "pause.create",
    object: /^pause of agent "unheard" in namespace "default"$/,
    act: ({ operator }) => operator.pauses.pause({ kind: "agent", name: "unheard" }, { reason: "why" }),
  },
  "taskrun.v1.PauseService/Resume": {
    action: "pause.end",
    object: /^pause of agent "unheard" in namespace "default"$/,
    act: ({ operator }) => operator.pauses.resume({ kind: "agent", name: "unheard" }),
  },
  "taskrun.v1.PauseService/GetPause": "reads",
  "taskrun.v1.PauseService/ListPauses": "reads",
  "taskrun.v1.UsageService/GetUsage": "reads",
  "taskrun.v1.AccessService/CreateKey": {
    action: "key.create",
    object: /^key \w{12}$/,
    act: ({ operator }) => operator.keys.create({ name: "made", role: "viewer" }),
  },
  "taskrun.v1.AccessService/ListKeys": "reads",
  "taskrun.v1.AccessService/RotateKey": {
    action: "key.rotate",
    object: /^key \w{12}$/,
    act: async ({ operator, spareKey }) => operator.keys.rotate(await spareKey()),
  },
  "taskrun.v1.AccessService/RevokeKey": {
    action: "key.revoke",
    object: /^key \w{12}$/,
    act: async ({ operator, spareKey }) => operator.keys.revoke(await spareKey()),
  },
  // For a minute its holder may read what the caller may read anyhow; nothing is stored.
  "taskrun.v1.AccessService/CreateWatchToken": "reads",
  "taskrun.v1.AuditService/ListAudit": "reads",
  "taskrun.v1.EnrollmentService/InviteWorkers": {
    action: "worker.invite",
    object: /^worker w-invited$/,
    act: ({ operator }) => operator.enrollment.invite({ name: "w-invited" }),
  },
  "taskrun.v1.EnrollmentService/Enroll": {
    action: "worker.enrol",
    object: /^worker w-enrolled$/,
    actor: /^spiffe:\/\/taskrun\/t\/default\/w\/w-enrolled$/,
    act: ({ enrol }) => enrol("w-enrolled"),
  },
  "taskrun.v1.EnrollmentService/RenewCertificate": {
    action: "worker.renew",
    object: /^worker w-renewed$/,
    actor: /^spiffe:\/\/taskrun\/t\/default\/w\/w-renewed$/,
    act: async ({ enrol, renew }) => renew(await enrol("w-renewed")),
  },
  "taskrun.v1.AuthorityService/GetAuthority": "reads",
  "taskrun.v1.AuthorityService/RotateAuthority": {
    action: "ca.change",
    object: /^authority$/,
    act: ({ operator }) => operator.authority.rotate("init"),
  },
  "taskrun.v1.EnrollmentService/ListEnrolledWorkers": "reads",
  "taskrun.v1.EnrollmentService/RevokeWorker": {
    action: "worker.revoke",
    object: /^worker w-revoked$/,
    act: async ({ operator, enrol }) => {
      await enrol("w-revoked");
      return operator.enrollment.revoke("w-revoked");
    },
  },
  ...toolEffects,
  ...Object.fromEntries(readingRoutes.map((path) => [path, "reads"] as const)),
  "/v1/enroll": {
    action: "worker.enrol",
    object: /^worker w-curl$/,
    actor: /^spiffe:\/\/taskrun\/t\/default\/w\/w-curl$/,
    act: ({ enrolByHttp }) => enrolByHttp("w-curl"),
  },
};

let world: AuditedWorld;
beforeAll(async () => {
  world = await openAuditedWorld();
}, 60_000);
afterAll(() => world.stop());

const changing = Object.entries(effects).filter(
  (each): each is [string, Expected] => typeof each[1] === "object",
);
const methods: ReadonlyMap<string, DescMethod> = new Map(
  services.flatMap((service) => service.methods).map((method) => [nameOf(method), method]),
);

test("the table says of every rpc and route what it does, and of nothing else", () => {
  expect(Object.keys(effects).toSorted()).toEqual([...policy.keys()].toSorted());
});

const brief = ({ actor, action, object, result }: AuditEntry) => `${actor} ${action} ${object} ${result}`;

describe("what changes something is an entry of who did it", () => {
  test.each(changing)("%s", async (_, { action, object, actor, act }) => {
    const before = (await world.entries()).length;
    await act(world);
    const made = (await world.entries()).slice(before).filter((entry) => entry.action === action);
    expect(made.map(brief), "of this action there is one entry").toHaveLength(1);
    expect(made[0]).toMatchObject({ result: "done", count: 1, object: expect.stringMatching(object) });
    expect(made[0]?.actor).toMatch(actor ?? new RegExp(`^${world.operatorPrincipal}$`));
  });
});

test("the ordinary work of a creator and of a worker is none", async () => {
  const { creator, connectWorker } = world;
  await creator.asking();
  const before = (await world.entries()).length;
  const { id } = await creator.waiting();
  await creator.client.tasks.createMany([{ agent: "nobody", input: {} }]);
  await creator.client.tasks.cancel(id);
  await creator.client.tasks.signal((await creator.asking()).id, "approve", true);
  await connectWorker("w-idle");
  await creator.client.tasks.watch(id)[Symbol.asyncIterator]().next();
  await creator.client.tasks.get(id);
  // The key of the worker is made by the test.
  const told = (await world.entries()).slice(before).filter(({ action }) => action !== "key.create");
  expect(told.map(brief)).toEqual([]);
});

describe("a call without the scope that it needs is an entry of who asked for what", () => {
  const scoped = [...policy].filter(
    ([name, needs]) => methods.has(name) && / |nothing/.test(needs) === false,
  );
  test.each(scoped)("%s, which needs %s", async (name, needs) => {
    const { id, text } = await world.keyWithout(needs);
    const method = methods.get(name) as DescMethod;
    const { request = {} } = samples[name] ?? {};
    await expect(world.ask(method, create(method.input, request) as Message, text)).rejects.toMatchObject({
      code: 7,
    });
    expect(await world.refused()).toMatchObject([
      { actor: `key:${id}`, action: "call", object: name, detail: needs, result: "refused", count: 1 },
    ]);
  });
});

describe("a route without the scope that it needs is one too", () => {
  const scoped = [...policy].filter(([name, needs]) => name.startsWith("/") && !/ |nothing/.test(needs));
  test.each(scoped)("%s, which needs %s", async (name, needs) => {
    const { id, text } = await world.keyWithout(needs);
    await world.refused();
    expect(await world.status(name.replace("{id}", "none"), text)).toBe(403);
    expect(await world.refused()).toMatchObject([
      { actor: `key:${id}`, action: "call", object: name, detail: needs, result: "refused", count: 1 },
    ]);
  });
});

/** Credentials that are refused, and what is said of them. */
const bad: Readonly<
  Record<string, { headers: (world: AuditedWorld) => Promise<object>; detail: string; object: RegExp }>
> = {
  missing: { headers: async () => ({}), detail: "CREDENTIAL_MISSING", object: /^none$/ },
  "of no form": {
    headers: async () => ({ "x-api-key": "letmein" }),
    detail: "CREDENTIAL_INVALID",
    object: /^an unknown key$/,
  },
  "two that differ": {
    headers: async () => ({ "x-api-key": "one", authorization: "Bearer two" }),
    detail: "CREDENTIAL_AMBIGUOUS",
    object: /^none$/,
  },
  "too long": {
    headers: async () => ({ "x-api-key": "x".repeat(8_200) }),
    detail: "CREDENTIAL_INVALID",
    object: /^none$/,
  },
  revoked: {
    headers: async ({ revokedKey }) => ({ "x-api-key": await revokedKey() }),
    detail: "CREDENTIAL_REVOKED",
    object: /^key \w{12}$/,
  },
  "a token of somebody else": {
    headers: async () => ({
      authorization: `Bearer ${["a", "b", "c"].map((each) => each.repeat(9)).join(".")}`,
    }),
    detail: "CREDENTIAL_INVALID",
    object: /^a token$/,
  },
};

describe("a credential that is refused is an entry", () => {
  test.each(Object.entries(bad))("%s", async (_, { headers, detail, object }) => {
    const method = methods.get(`${TASK}/ListTasks`) as DescMethod;
    const shown = (await headers(world)) as Record<string, string>;
    await world.refused();
    await expect(world.askWith(method, create(method.input) as Message, shown)).rejects.toMatchObject({
      code: 16,
    });
    expect(await world.refused()).toMatchObject([
      { actor: "anonymous", action: "key.use", object: expect.stringMatching(object), detail },
    ]);
  });
});

describe("what is refused otherwise is an entry", () => {
  test("an invitation that is used twice, and a token that is none", async () => {
    const { token } = await world.enrol("w-twice");
    await world.refused();
    await expect(world.enrolWith(token)).rejects.toMatchObject({ code: 16 });
    await expect(world.enrolWith("none")).rejects.toMatchObject({ code: 16 });
    // Both are of one action, by nobody who is known.
    expect(await world.refused()).toMatchObject([
      { actor: "anonymous", action: "worker.enrol", object: "token of no form", result: "refused", count: 2 },
    ]);
  });

  test("a renewal without a certificate", async () => {
    const { id, text } = await world.keyOf("worker");
    const method = methods.get("taskrun.v1.EnrollmentService/RenewCertificate") as DescMethod;
    const request = create(method.input, { csr: "none" } as never) as Message;
    await expect(world.ask(method, request, text)).rejects.toMatchObject({ code: 7 });
    expect(await world.refused()).toMatchObject([
      { actor: `key:${id}`, action: "worker.renew", detail: "CERTIFICATE_MISSING" },
    ]);
  });

  test("a worker's certificate for what is not a worker's, and one that was revoked", async () => {
    const worker = await world.enrol("w-out");
    const uri = "spiffe://taskrun/t/default/w/w-out";
    const method = methods.get(`${TASK}/ListTasks`) as DescMethod;
    await expect(world.askShowing(worker, method, create(method.input) as Message)).rejects.toMatchObject({
      code: 7,
    });
    expect(await world.refused()).toMatchObject([
      { actor: uri, action: "call", object: `${TASK}/ListTasks`, detail: "CERTIFICATE_OF_WORKER" },
    ]);
    await world.operator.enrollment.revoke("w-out");
    await expect(world.askShowing(worker, method, create(method.input) as Message)).rejects.toThrow();
    expect(await world.refused()).toMatchObject(
      [{ actor: uri, action: "key.use", object: /^certificate \w+$/, detail: "CERTIFICATE_REFUSED" }].map(
        (each) => ({ ...each, object: expect.stringMatching(each.object) }),
      ),
    );
  });

  test("a certificate of somebody else's authority", async () => {
    const method = methods.get(`${TASK}/ListTasks`) as DescMethod;
    const request = create(method.input) as Message;
    await expect(world.askShowing(world.stranger(), method, request)).rejects.toThrow();
    expect(await world.refused()).toMatchObject([
      {
        actor: "anonymous",
        action: "key.use",
        object: "a certificate",
        detail: expect.stringMatching(/SIGNATURE|ISSUER|SELF_SIGNED/),
      },
    ]);
  });

  test("a key that could do more than who makes it", async () => {
    const { id, text } = await world.keyOf("admin", ["orders"]);
    const method = methods.get("taskrun.v1.AccessService/CreateKey") as DescMethod;
    const request = create(method.input, {
      name: "more",
      role: "viewer",
      namespaces: ["other"],
    } as never) as Message;
    await expect(world.ask(method, request, text)).rejects.toMatchObject({ code: 7 });
    expect(await world.refused()).toMatchObject([
      { actor: `key:${id}`, action: "key.create", result: "refused" },
    ]);
  });

  test("a Task that is another namespace's, as one that there is not", async () => {
    const { id: task } = await world.creator.waiting();
    const { id, text } = await world.keyOf("viewer", ["elsewhere"]);
    const method = methods.get(`${TASK}/GetTask`) as DescMethod;
    for (const asked of [task, "none"]) {
      const request = create(method.input, { id: asked } as never) as Message;
      await expect(world.ask(method, request, text)).rejects.toMatchObject({ code: 5 });
      expect(await world.refused()).toMatchObject([
        { actor: `key:${id}`, action: "task.read", object: `task ${asked}`, detail: "TASK_NOT_FOUND" },
      ]);
    }
  });
});
