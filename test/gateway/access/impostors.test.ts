/** A worker that speaks for another one: by hello, heartbeat, report, resume and read, over a raw gRPC stream. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { createClient, type TaskRunClient } from "#client/index";
import { type ControlPlane, startControlPlane } from "#control-plane";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { type Gateway, openGateway } from "#gateway/server";
import { AuditLog } from "#host/audit/audit-log";
import { memoryStore } from "#stores/memory/index";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  type RunClientMessage,
  RunClientMessageSchema,
  type RunServerMessage,
  RunServerMessageSchema,
} from "#wire/gen/taskrun/v1/run_service_pb";

let control: ControlPlane;
let gateway: Gateway;
let audit: AuditLog;
let store: ReturnType<typeof memoryStore>;
let keys: KeyRing;
let addr: string;
const closing: (() => void)[] = [];

beforeEach(async () => {
  store = memoryStore();
  if (!store.credentials || !store.audit) throw new Error("the memory store keeps both");
  keys = new KeyRing({ store: store.credentials, now: () => instant(1_000_000) });
  const quiet = () => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  let drawn = 0;
  const clock = {
    now: () => instant(Date.now()),
    monotonic: () => 0,
    wakeAt: () => quiet,
    yield: async () => {},
  };
  const retention = { age: millis(1e10), entries: 1_000 };
  audit = new AuditLog({
    store: store.audit,
    chain: "server",
    clock,
    log,
    uuid: () => `${++drawn}`,
    retention,
  });
  control = await startControlPlane({
    store,
    audit: { open: () => audit, start: quiet, close: async () => {} },
  });
  gateway = await openGateway({
    ...control,
    environment: "test",
    grpc: ["127.0.0.1:0"],
    http: ["127.0.0.1:0"],
    keys,
    audit: { trail: audit, store: store.audit },
  });
  addr = gateway.grpc[0] ?? "";
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await gateway.close(1_000);
  await control.stop();
});

async function keyOf(role: string, name: string): Promise<string> {
  return (await keys.make(LOCAL_CALLER, { name, role, namespaces: "*", ttl: millis(3_600_000) })).text;
}

function clientWith(apiKey: string): TaskRunClient {
  const client = createClient({ addr, apiKey });
  closing.push(() => client.close());
  return client;
}

interface RawWorker {
  readonly frames: RunServerMessage[];
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
  send(payload: RunClientMessage["payload"]): void;
  /** Waits for a frame of this kind. */
  frame<Case extends NonNullable<RunServerMessage["payload"]["case"]>>(
    kind: Case,
  ): Promise<Extract<RunServerMessage["payload"], { case: Case }>["value"]>;
  close(): void;
}

function rawWorker(
  key: string,
  workerId: string,
  more: { readonly resume?: readonly object[] } = {},
): RawWorker {
  const client = new Client(addr, credentials.createInsecure());
  const stream: ClientDuplexStream<RunClientMessage, RunServerMessage> = client.makeBidiStreamRequest(
    "/taskrun.v1.RunService/StreamConnect",
    (message: RunClientMessage) => Buffer.from(toBinary(RunClientMessageSchema, message)),
    (bytes: Buffer) => fromBinary(RunServerMessageSchema, bytes),
    Metadata.fromHttp2Headers({ "x-api-key": key }),
  );
  const frames: RunServerMessage[] = [];
  stream.on("data", (frame: RunServerMessage) => frames.push(frame));
  const ended = new Promise<{ code: number; details: string }>((resolve) => {
    stream.on("error", (error: ServiceError) => resolve({ code: error.code, details: error.details }));
    stream.on("end", () => resolve({ code: status.OK, details: "" }));
  });
  const send = (payload: RunClientMessage["payload"]) =>
    void stream.write(create(RunClientMessageSchema, { payload }));
  const close = () => {
    stream.cancel();
    client.close();
  };
  closing.push(close);
  const info = { workerId, agents: [{ name: "echo" }] };
  send({ case: "hello", value: { info, protocol: 2, instance: `${key.slice(3, 9)}-i`, ...more } } as never);
  return {
    frames,
    ended,
    send,
    close,
    async frame(kind) {
      await expect
        .poll(() => frames.some(({ payload }) => payload.case === kind), { timeout: 5_000 })
        .toBe(true);
      return frames.find(({ payload }) => payload.case === kind)?.payload.value as never;
    },
  };
}

/** An honest worker that has a Run in hand, and the key of somebody else who may run agents too. */
async function atWork() {
  const [own, other] = [await keyOf("worker", "own"), await keyOf("worker", "other")];
  const admin = clientWith(await keyOf("admin", "admin"));
  const honest = rawWorker(own, "w1");
  await honest.frame("welcome");
  const { id } = await admin.tasks.create({ agent: "echo", input: {} });
  const { runId, fence } = await honest.frame("assignRun");
  return { own, other, admin, honest, taskId: id, runId, fence };
}

async function refusals(): Promise<string[]> {
  await audit.flush();
  const entries = (await store.audit?.entries(undefined, 100)) ?? [];
  const refused = entries.filter(({ result }) => result === "refused");
  return refused.map(({ action, object, detail }) => `${action} ${object} ${detail}`);
}

async function nothingLost({ honest, admin, taskId, runId, fence }: Awaited<ReturnType<typeof atWork>>) {
  honest.send({
    case: "statusUpdate",
    value: { runId, fence, status: RunStatus.COMPLETED, outputJson: "1" },
  } as never);
  await expect.poll(async () => (await admin.tasks.get(taskId)).status).toBe("COMPLETED");
}

test("a hello under another's id is refused, whoever connected first keeps its stream and its Runs", async () => {
  const world = await atWork();
  const thief = rawWorker(world.other, "w1");
  expect(await thief.ended).toMatchObject({
    code: status.PERMISSION_DENIED,
    details: expect.stringContaining('worker id "w1" is in use under another credential'),
  });
  expect(await refusals()).toEqual(["worker.impersonate worker w1 WORKER_ID_TAKEN"]);
  await nothingLost(world);
});

test("an own worker that comes back supersedes its older stream, as before", async () => {
  const { own, honest } = await atWork();
  const again = rawWorker(own, "w1");
  await again.frame("welcome");
  expect(await honest.ended).toMatchObject({ code: status.UNAVAILABLE });
  expect(await refusals()).toEqual([]);
});

test("a Run of another's, shown as if it were in hand, costs the stream", async () => {
  const world = await atWork();
  const { runId, fence } = world;
  const thief = rawWorker(world.other, "w2", { resume: [{ runId, fence, nextSeq: 0n }] });
  expect(await thief.ended).toMatchObject({ code: status.PERMISSION_DENIED });
  expect(await refusals()).toEqual(["worker.impersonate worker w2 RUN_NOT_YOURS"]);
  await nothingLost(world);
});

test.each([
  [
    "status",
    (runId: string, fence: number) => ({
      case: "statusUpdate",
      value: { runId, fence, status: RunStatus.COMPLETED, outputJson: '"stolen"' },
    }),
  ],
  [
    "output",
    (runId: string, fence: number) => ({
      case: "outputChunk",
      value: { runId, fence, seq: 0n, content: "stolen" },
    }),
  ],
])("a report (%s) on a Run of another's costs the stream, and changes nothing", async (_, say) => {
  const world = await atWork();
  const thief = rawWorker(world.other, "w2");
  await thief.frame("welcome");
  thief.send(say(world.runId, world.fence) as never);
  expect(await thief.ended).toMatchObject({ code: status.PERMISSION_DENIED });
  expect(await refusals()).toEqual([`worker.impersonate run ${world.runId} RUN_NOT_YOURS`]);
  expect((await world.admin.tasks.get(world.taskId)).status).toBe("RUNNING");
  await nothingLost(world);
});

test("a heartbeat in another's name costs the stream", async () => {
  const world = await atWork();
  const thief = rawWorker(world.other, "w2");
  await thief.frame("welcome");
  thief.send({ case: "heartbeat", value: { workerId: "w1" } } as never);
  expect(await thief.ended).toMatchObject({ code: status.PERMISSION_DENIED });
  expect(await refusals()).toEqual(["worker.impersonate worker w1 a heartbeat of worker w2"]);
  await nothingLost(world);
});

test("what a Run of another's reads is answered as if it did not exist, and noted", async () => {
  const world = await atWork();
  const { runId, fence } = world;
  const { RunService } = await import("#wire/gen/taskrun/v1/run_service_pb");
  const { createClient: rpcClient } = await import("@connectrpc/connect");
  const { createGrpcTransport } = await import("@connectrpc/connect-node");
  const transport = createGrpcTransport({ baseUrl: `http://${addr}` });
  const { getRunInput, getStepResult } = rpcClient(RunService, transport);
  const headers = { "x-api-key": world.other };
  const [input, unknown] = await Promise.all([
    getRunInput({ runId, fence }, { headers }).catch(String),
    getRunInput({ runId: "none", fence }, { headers }).catch(String),
  ]);
  const result = await getStepResult({ runId, fence, stepName: "main" }, { headers }).catch(String);
  expect(String(input).replace(runId, "none")).toBe(unknown);
  expect(String(result).replace(runId, "none")).toBe(unknown);
  expect(await refusals()).toEqual([`run.read run ${runId} RUN_NOT_FOUND`]);
});

test("an admin drains any worker, an operator only those of its own credential, and a key in another's place is the same caller", async () => {
  const { admin, honest, own } = await atWork();
  const operator = clientWith(await keyOf("operator", "op"));
  await expect(operator.workers.drain("w1")).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect((await admin.workers.drain("w1")).status).toBe("DRAINING");
  await honest.frame("drain");

  const id = /^tr_([^_]+)/.exec(own)?.[1] ?? "";
  const { text } = await keys.rotate(LOCAL_CALLER, id, millis(60_000));
  const renewed = rawWorker(text, "w1");
  await renewed.frame("welcome");
  expect(keys.callerOf(text).principal).toBe(`key:${id}`);
});
