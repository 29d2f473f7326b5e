/** Full mailboxes and full queues, over the wire: refused with a delay to wait, and nothing of it is stored. */
import { create, fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import type { ServiceError } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { defaultStaleTerms } from "#config/index";
import { millis } from "#domain/time/time";
import { openGateway } from "#gateway/server";
import { nodeClock } from "#host/clock";
import { nodeEntropy } from "#host/entropy";
import { jsonSchemas } from "#host/schemas";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import { memoryStore } from "#stores/memory/index";
import { RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { StatusSchema } from "#wire/gen/google/rpc/status_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { Rpc } from "../bench/rpc.js";
import { Stage, until } from "./kit/harness.js";

const RESOURCE_EXHAUSTED = 8;
const terms = { lease: millis(30_000), heartbeat: millis(5_000), publicLease: millis(90_000) };
const { createTask, batchCreateTasks, listTasks } = TaskService.method;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

/** A plane behind a real gateway, with mailboxes of four, over a store that commits only when it is let. */
async function smallServer() {
  let dispatchStep = () => {};
  let gate: Promise<void> | undefined;
  let commits = 0;
  const memory = memoryStore();
  const store: Store = Object.assign(Object.create(memory) as Store, {
    reads: memory.reads,
    boot: () => memory.boot(),
    load: (needs: Parameters<Store["load"]>[0]) => memory.load(needs),
    ready: (lane: string, limit: number) => memory.ready(lane, limit),
    async commit(turn: Parameters<Store["commit"]>[0]) {
      commits += 1;
      await gate;
      return memory.commit(turn);
    },
  });
  const telemetry = silentTelemetry();
  const onFatal = () => {};
  const clock = nodeClock();
  const entropy = nodeEntropy();
  const supervisor = new Supervisor({
    store,
    clock,
    entropy,
    telemetry,
    schemas: jsonSchemas(),
    terms,
    mailbox: 4,
    onFatal,
  });
  await supervisor.start();
  const gateway = await openGateway({
    plane: openPlane(supervisor, defaultStaleTerms),
    entropy,
    telemetry,
    schemas: jsonSchemas(),
    environment: "test",
    metrics: { contentType: "text/plain", render: async () => "" },
    grpc: ["127.0.0.1:0"],
    http: [],
  });
  cleanUp.push(async () => {
    dispatchStep();
    await gateway.close(1_000);
    await supervisor.stop();
  });
  return {
    addr: gateway.grpc[0] ?? "",
    /** No commit lands until the answer is called. */
    hold(): () => void {
      gate = new Promise((resolve) => {
        dispatchStep = resolve;
      });
      return dispatchStep;
    },
    turnBegun: () => commits > 0,
    waiting: () => supervisor.bus.depth("task-request").size,
  };
}

function rpcTo(addr: string): Rpc {
  const rpc = new Rpc(addr);
  cleanUp.push(() => rpc.close());
  return rpc;
}

/** Milliseconds that an error asks to wait. */
function retryDelay(error: ServiceError): number {
  const [details] = error.metadata.get("grpc-status-details-bin");
  const status = fromBinary(StatusSchema, details as Buffer);
  for (const detail of status.details) {
    const info = anyUnpack(detail, RetryInfoSchema);
    if (info?.retryDelay) return Number(info.retryDelay.seconds) * 1_000 + info.retryDelay.nanos / 1e6;
  }
  return 0;
}

test("a full mailbox refuses with RESOURCE_EXHAUSTED and RetryInfo, and what it refused is not stored", async () => {
  const server = await smallServer();
  const rpc = rpcTo(server.addr);
  const dispatchStep = server.hold();
  const send = (name: string) => rpc.unary(createTask, { agentName: "nobody", createdBy: name });

  const accepted = [send("in the turn")];
  await until("it is in the turn", () => server.turnBegun());
  for (let i = 1; i <= 4; i += 1) {
    accepted.push(send(`waits ${i}`));
    await until("it waits", () => server.waiting() === i);
  }
  const refusal = await send("finds no room").catch((error: ServiceError) => error);
  expect(refusal).toMatchObject({
    code: RESOURCE_EXHAUSTED,
    details: expect.stringContaining("nothing was stored"),
  });
  expect(retryDelay(refusal as ServiceError)).toBeGreaterThan(0);

  dispatchStep();
  const stored = (await Promise.all(accepted)).map(({ id }) => id);
  const listed = await rpc.unary(listTasks, {});
  expect(listed.tasks.map(({ id }) => id).toSorted()).toEqual(stored.toSorted());
  expect((await send("once more")).id).not.toBe("");
});

test("a namespace that waits for too many different agents is refused, and what was refused is not stored", async () => {
  const stage = new Stage();
  cleanUp.push(() => stage.end());
  const server = await stage.server();
  const rpc = rpcTo(server.addr);
  const tasks = Array.from({ length: limits.lanesPerNamespace }, (_, i) =>
    create(createTask.input, { agentName: `agent-${i}` }),
  );
  const { results } = await rpc.unary(batchCreateTasks, { tasks });
  expect(results.every(({ result }) => result.case === "task")).toBe(true);

  const refused = await rpc
    .unary(createTask, { agentName: "one-too-many" })
    .catch((error: ServiceError) => error);
  expect(refused).toMatchObject({ code: RESOURCE_EXHAUSTED });
  expect(retryDelay(refused as ServiceError)).toBeGreaterThan(0);
  const batch = await rpc.unary(batchCreateTasks, {
    tasks: [{ agentName: "agent-7" }, { agentName: "one-too-many" }],
  });
  expect(batch.results.map(({ result }) => result.case)).toEqual(["task", "error"]);
  expect((await rpc.unary(listTasks, { agentFilter: "one-too-many" })).tasks).toEqual([]);
});
