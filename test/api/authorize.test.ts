import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { beforeEach, expect, test } from "vitest";
import type { KeyRing } from "#api/access/key-ring";
import type { WatchTokens } from "#api/access/watch-tokens";
import { type Action, type Authorize, authorize, type Resource } from "#api/authorize";
import type { Enrolment } from "#api/enrolment/enrolment";
import type { Caller } from "#domain/caller";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { RunId, TaskId, WorkerId } from "#domain/id";
import { rpcs } from "#gateway/handlers/index";
import type { StreamCall } from "#gateway/rpc";
import type { AuditTrail } from "#ports/audit";
import { MemoryAudit } from "#stores/memory/audit";
import { RunClientMessageSchema } from "#wire/gen/taskrun/v1/run_service_pb";
import { FakePlane, workerView } from "../gateway/kit/fake-plane.js";
import { nameOf, prepare, samples } from "../gateway/kit/samples.js";
import { requestOf, servicesFor } from "./services.js";

/** By which rpc, or path, each action is asked for. An action that is added stops this from compiling. */
const rpcOf: Readonly<Record<Action, string>> = {
  "task.create": "taskrun.v1.TaskService/CreateTask",
  "task.create_batch": "taskrun.v1.TaskService/BatchCreateTasks",
  "task.run": "taskrun.v1.TaskService/RunTask",
  "task.retry": "taskrun.v1.TaskService/RetryTask",
  "task.read": "taskrun.v1.TaskService/GetTask",
  "task.explain": "taskrun.v1.TaskService/ExplainTask",
  "task.list": "taskrun.v1.TaskService/ListTasks",
  "task.overview": "taskrun.v1.TaskService/GetOverview",
  "task.cancel": "taskrun.v1.TaskService/CancelTask",
  "task.signal": "taskrun.v1.TaskService/SignalTask",
  "task.resolve": "taskrun.v1.TaskService/ResolveStep",
  "task.top_up": "taskrun.v1.TaskService/TopUpTask",
  "task.watch": "taskrun.v1.TaskService/WatchTask",
  "task.create_watch_token": "taskrun.v1.AccessService/CreateWatchToken",
  "task.replay": "GET /inspect/tasks/{id}/events",
  "task.wait": "taskrun.v1.TaskService/WaitTask",
  "task.read_result": "taskrun.v1.TaskService/GetStepResult",
  "task.bulk": "taskrun.v1.TaskService/BulkTasks",
  "task.fork": "taskrun.v1.TaskService/ForkTask",
  "task.read_audit": "taskrun.v1.TaskService/GetStepAudit",
  "task.read_journal": "taskrun.v1.TaskService/GetStepJournal",
  "dead_letter.list": "taskrun.v1.DeadLetterService/ListDeadLetters",
  "dead_letter.read": "taskrun.v1.DeadLetterService/GetDeadLetter",
  "dead_letter.stats": "taskrun.v1.DeadLetterService/GetDeadLetterStats",
  "dead_letter.queue": "taskrun.v1.DeadLetterService/ListInvestigationQueue",
  "dead_letter.staleness": "taskrun.v1.DeadLetterService/ListStaleness",
  "dead_letter.update": "taskrun.v1.DeadLetterService/UpdateDeadLetter",
  "dead_letter.redrive": "taskrun.v1.DeadLetterService/RedriveDeadLetter",
  "run.read_input": "taskrun.v1.RunService/GetRunInput",
  "run.read_journal": "taskrun.v1.RunService/GetJournal",
  "run.read_result": "taskrun.v1.RunService/GetStepResult",
  "template.register": "taskrun.v1.TemplateService/Register",
  "template.read": "taskrun.v1.TemplateService/Get",
  "template.list": "taskrun.v1.TemplateService/List",
  "template.validate": "taskrun.v1.TemplateService/Validate",
  "agent.list": "taskrun.v1.WorkerService/ListAgents",
  "key.create": "taskrun.v1.AccessService/CreateKey",
  "key.list": "taskrun.v1.AccessService/ListKeys",
  "key.rotate": "taskrun.v1.AccessService/RotateKey",
  "key.revoke": "taskrun.v1.AccessService/RevokeKey",
  "audit.list": "taskrun.v1.AuditService/ListAudit",
  "ca.read": "taskrun.v1.AuthorityService/GetAuthority",
  "ca.rotate": "taskrun.v1.AuthorityService/RotateAuthority",
  "config.read": "tasker.v1.ConfigService/GetConfig",
  "node.list": "taskrun.v1.NodeService/ListNodes",
  "pause.create": "taskrun.v1.PauseService/Pause",
  "pause.end": "taskrun.v1.PauseService/Resume",
  "pause.read": "taskrun.v1.PauseService/GetPause",
  "usage.read": "taskrun.v1.UsageService/GetUsage",
  "pause.list": "taskrun.v1.PauseService/ListPauses",
  "worker.invite": "taskrun.v1.EnrollmentService/InviteWorkers",
  "worker.enroll": "taskrun.v1.EnrollmentService/Enroll",
  "worker.renew": "taskrun.v1.EnrollmentService/RenewCertificate",
  "worker.list_enrolled": "taskrun.v1.EnrollmentService/ListEnrolledWorkers",
  "worker.revoke": "taskrun.v1.EnrollmentService/RevokeWorker",
  "worker.connect": "taskrun.v1.RunService/StreamConnect",
  "worker.list": "taskrun.v1.WorkerService/ListWorkers",
  "worker.read": "taskrun.v1.WorkerService/GetWorker",
  "worker.drain": "taskrun.v1.WorkerService/DrainWorker",
};
/** Keys as they are asked for, of which none is kept. */
const made = { row: { namespaces: "*", createdAt: 0, expiresAt: 0, revokedAt: 0, lastUsedAt: 0 }, text: "" };
const someKeys = {
  make: async () => made,
  rotate: async () => made,
  revoke: async () => made.row,
  visibleTo: async () => [],
} as unknown as KeyRing;

const someAudit = { trail: { refused: () => {} } as unknown as AuditTrail, store: new MemoryAudit() };
const someTokens = { make: () => ({ token: "", expiresAt: 0 }) } as unknown as WatchTokens;

/** Enrolment, of which nothing follows. */
const enrolledName = { namespace: "default", name: "w" };
const identity = { worker: enrolledName, cert: "", chain: "", root: "", notAfter: 0, renewAfter: 0 };
const someRoot = { pin: "", cert: "", endsAt: 0 };
const someAuthority = {
  ...{ phase: "standby", nextPhase: "init", version: 0, root: someRoot, serving: someRoot, trusted: [] },
  ...{ changedAt: 0, changedBy: "", workers: 0, waitingWorkers: [], waitingNodes: [] },
};
const someEnrolment = {
  now: 0,
  pin: "",
  invite: async () => [],
  enrol: async () => identity,
  renew: async () => identity,
  write: async () => true,
  revoked: () => undefined,
  rotation: { move: async () => [], status: async () => someAuthority },
  store: {
    get: async () => ({
      ...{ worker: enrolledName, namespaces: "*", certificates: [], revoked: [] },
      ...{ revokedAt: 1, endsAt: 1, labels: {}, agents: [], enrolledAt: 1, invitedBy: "" },
    }),
    list: async () => [],
    put: async () => true,
  },
} as unknown as Enrolment;

/**
 * Not what a server tells of itself, to load balancers and tools, and not what is asked in another system's words, of which an answer may
 * be made of several use cases.
 */
const ours = rpcs.filter(({ method }) => method.parent.typeName.startsWith("taskrun."));

let plane: FakePlane;

beforeEach(async () => {
  plane = new FakePlane();
  plane.views.push(workerView("w-1"));
  plane.onReport = (report, sink) => {
    if (report.type === "hello") sink.send({ type: "drain", reason: report.info.workerId });
  };
  await prepare(plane);
});

/** Sends the rpc its sample, and reads all of its answers that a sample reads. */
async function callWith(rpc: (typeof rpcs)[number], asked: Authorize): Promise<void> {
  const name = nameOf(rpc.method);
  const sample = samples[name];
  const call = {
    ...requestOf(
      servicesFor(plane, {
        authorize: asked,
        keys: someKeys,
        watchTokens: someTokens,
        audit: someAudit,
        enrolment: someEnrolment,
      }),
    ),
    signal: new AbortController().signal,
    keep: () => undefined,
    identified: () => undefined,
  } as unknown as StreamCall;
  if (rpc.kind === "bidi_streaming") {
    async function* messages() {
      yield create(RunClientMessageSchema, sample?.request as never);
    }
    for await (const _ of rpc.handle(messages(), call)) break;
    return;
  }
  const message = create(rpc.method.input, sample?.request);
  if (rpc.kind === "unary") await rpc.handle(message, call);
  else for await (const _ of rpc.handle(message, call));
}

test.each(ours.map((rpc) => [nameOf(rpc.method), rpc] as const))(
  "%s asks once whether its caller may",
  async (name, rpc) => {
    const asked: { caller: Caller; action: Action }[] = [];
    const calling = callWith(rpc, (caller, action) => asked.push({ caller, action }));
    // Only a worker has a certificate to be renewed.
    if (name.endsWith("RenewCertificate"))
      await expect(calling).rejects.toMatchObject({ reason: "CERTIFICATE_MISSING" });
    else await calling;

    const own = Object.entries(rpcOf).flatMap(([action, rpcName]) => (rpcName === name ? [action] : []));
    // Of the two Tasks of the batch one is not even a request.
    const each = name.endsWith("BatchCreateTasks") ? ["task.create"] : [];
    expect(asked.map(({ action }) => action)).toEqual([...own, ...each]);
    expect(asked.every(({ caller }) => caller === LOCAL_CALLER)).toBe(true);
  },
);

test.each(ours.map((rpc) => [nameOf(rpc.method), rpc] as const))(
  "%s does nothing for a caller who may not",
  async (_, rpc) => {
    const before = [plane.drafts.length, plane.said.length, plane.sinks.length, plane.templates.size];
    const no = new Fault("denied", "no");
    const refusing: Authorize = () => {
      throw no;
    };

    await expect(callWith(rpc, refusing)).rejects.toBe(no);
    expect([plane.drafts.length, plane.said.length, plane.sinks.length, plane.templates.size]).toEqual(
      before,
    );
    expect(plane.details.get("cancel-me" as TaskId)?.task.state).not.toBe("cancelled");
  },
);

test("each use case stands in a file of its own, and every action has one", () => {
  const folder = fileURLToPath(new URL("../../src/api", import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const actions = files.flatMap((path) => {
    const found = [
      ...readFileSync(join(folder, path), "utf8").matchAll(
        /^export const \w+ = useCase\(\{\n {2}action: "(.+)",$/gm,
      ),
    ];
    expect.soft(found.length, path).toBeLessThanOrEqual(1);
    return found.map(([, action]) => action);
  });

  // A log is watched, and read a page at a time: who may do one may do the other.
  expect([...new Set(actions)].toSorted()).toEqual(Object.keys(rpcOf).toSorted());
});

const alice: Caller = { principal: "alice", namespaces: ["alices"], roles: [] };
const ref = (namespace: string) => ({ namespace, name: "t", version: "" });
const [id, worker] = ["t-1" as TaskId, "w-1" as WorkerId];

test.each<[string, Resource, string]>([
  ["what is nobody's", { kind: "server" }, "allowed"],
  ["her own namespace", { kind: "namespace", namespace: "alices" }, "allowed"],
  ["another namespace", { kind: "namespace", namespace: "bobs" }, "denied namespace"],
  ["lists of her own", { kind: "namespaces", namespaces: ["alices"] }, "allowed"],
  ["lists of others", { kind: "namespaces", namespaces: ["alices", "bobs"] }, "not_found namespace"],
  ["lists of everybody", { kind: "namespaces", namespaces: "*" }, "not_found namespace"],
  [
    "a new Task",
    { kind: "new_task", namespace: "alices", isNamed: true, template: ref("alices") },
    "allowed",
  ],
  [
    "a new Task elsewhere",
    { kind: "new_task", namespace: "bobs", isNamed: true, template: undefined },
    "denied namespace",
  ],
  [
    "another's template",
    { kind: "new_task", namespace: "alices", isNamed: true, template: ref("bobs") },
    "not_found",
  ],
  [
    "a Task of another's template",
    { kind: "new_task", namespace: "bobs", isNamed: false, template: ref("bobs") },
    "not_found",
  ],
  [
    "nobody's Task",
    { kind: "new_task", namespace: "bobs", isNamed: false, template: undefined },
    "denied namespace",
  ],
  ["her Task", { kind: "task", id, namespace: "alices" }, "allowed"],
  ["another's Task", { kind: "task", id, namespace: "bobs" }, "not_found"],
  ["a Task that its actor will look at", { kind: "task", id }, "allowed"],
  ["her Run", { kind: "run", id: "r" as RunId, principal: "alice" }, "allowed"],
  ["another's Run", { kind: "run", id: "r" as RunId, principal: "bob" }, "not_found run_id"],
  ["her template", { kind: "template", ref: ref("alices") }, "allowed"],
  ["another's template", { kind: "template", ref: ref("bobs") }, "not_found"],
  ["workers", { kind: "workers" }, "allowed"],
  ["a worker for her own", { kind: "new_worker", id: worker, namespaces: ["alices"] }, "allowed"],
  [
    "a worker for others",
    { kind: "new_worker", id: worker, namespaces: ["alices", "bobs"] },
    "denied info.namespaces",
  ],
])("a caller with one namespace and %s", (_, resource, expected) => {
  const ask = () => {
    try {
      authorize(alice, "task.read", resource as never);
      return "allowed";
    } catch (error) {
      const { code, details } = error as Fault;
      return [code, details.field].filter((part) => part !== undefined).join(" ");
    }
  };

  expect(ask()).toBe(expected);
});
