import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AccessService } from "#wire/gen/taskrun/v1/access_service_pb";
import { AuditService } from "#wire/gen/taskrun/v1/audit_service_pb";
import { DeadLetterService } from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import { NodeService } from "#wire/gen/taskrun/v1/node_service_pb";
import { PauseService } from "#wire/gen/taskrun/v1/pause_service_pb";
import { TaskEventSchema, TaskSchema, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import { UsageService } from "#wire/gen/taskrun/v1/usage_service_pb";
import { WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";

export type TaskRpcs = Partial<ServiceImpl<typeof TaskService>>;
export type WorkerRpcs = Partial<ServiceImpl<typeof WorkerService>>;
export type NodeRpcs = Partial<ServiceImpl<typeof NodeService>>;
export type AccessRpcs = Partial<ServiceImpl<typeof AccessService>>;
export type AuditRpcs = Partial<ServiceImpl<typeof AuditService>>;
export type PauseRpcs = Partial<ServiceImpl<typeof PauseService>>;
export type UsageRpcs = Partial<ServiceImpl<typeof UsageService>>;
export type DeadLetterRpcs = Partial<ServiceImpl<typeof DeadLetterService>>;
export type TemplateRpcs = Partial<ServiceImpl<typeof TemplateService>>;

export interface FakePlane extends AsyncDisposable {
  readonly addr: string;
  /** Breaks every connection, as a killed process does. */
  cut(): void;
}

/** A server that answers the given rpcs and no others, on a free port of the loopback. */
export async function fakePlane(
  tasks: TaskRpcs,
  workers: WorkerRpcs = {},
  templates: TemplateRpcs = {},
  nodes: NodeRpcs = {},
  others: {
    readonly access?: AccessRpcs;
    readonly audit?: AuditRpcs;
    readonly deadLetters?: DeadLetterRpcs;
    readonly pauses?: PauseRpcs;
    readonly usage?: UsageRpcs;
  } = {},
): Promise<FakePlane> {
  const sessions = new Set<ServerHttp2Session>();
  const handler = connectNodeAdapter({
    routes: (router) => {
      router
        .service(TaskService, tasks)
        .service(WorkerService, workers)
        .service(TemplateService, templates)
        .service(NodeService, nodes)
        .service(AccessService, others.access ?? {})
        .service(AuditService, others.audit ?? {})
        .service(DeadLetterService, others.deadLetters ?? {})
        .service(PauseService, others.pauses ?? {})
        .service(UsageService, others.usage ?? {});
    },
  });
  const server: Http2Server = createServer(handler);
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const cut = () => {
    for (const session of sessions) session.destroy();
  };
  return {
    addr: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port of the loopback on which nobody listens. */
export async function deadAddr(): Promise<string> {
  const plane = await fakePlane({});
  await plane[Symbol.asyncDispose]();
  return plane.addr;
}

/** The events of a task with one run that writes `texts` and completes; seq 1, 2, 3 … */
export function lifeOf(taskId: string, texts: readonly string[], outputJson = '{"ok":true}') {
  const bodies: MessageInitShape<typeof TaskEventSchema>["event"][] = [
    { case: "taskChanged", value: { id: taskId, status: 2, state: 4, createdAtMs: 1_000n } },
    { case: "runChanged", value: { runId: "r1", workerId: "w1", status: 3, attempt: 1, stepName: "main" } },
    ...texts.map((content, i) => {
      return { case: "output", value: { runId: "r1", seq: BigInt(i), content, timestampMs: 5n } } as const;
    }),
    { case: "runChanged", value: { runId: "r1", workerId: "w1", status: 4, attempt: 1, stepName: "main" } },
    {
      case: "taskChanged",
      value: { id: taskId, status: 3, state: 9, createdAtMs: 1_000n, finishedAtMs: 2_200n, outputJson },
    },
  ];
  return bodies.map((event, i) => {
    return create(TaskEventSchema, {
      seq: BigInt(i + 1),
      taskId,
      timestampMs: BigInt(1_000 + i),
      ...(event && { event }),
    });
  });
}

/** A whole task, as GetTask would answer. */
export function aTask(init: MessageInitShape<typeof TaskSchema> = {}) {
  return create(TaskSchema, {
    id: "t1",
    agentName: "support_triage",
    inputJson: "{}",
    status: 1,
    state: 3,
    namespace: "default",
    createdAtMs: 1_000n,
    maxAttempts: 1,
    ...init,
  });
}

export function refuse(code: Code, message: string): never {
  throw new ConnectError(message, code);
}

export { Code };
