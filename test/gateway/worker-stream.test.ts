import { connect } from "node:http2";
import { type Message, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fault } from "#domain/fault";
import type { RunId, SessionId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import { rpcs } from "#gateway/handlers/index";
import type { StreamCall } from "#gateway/rpc";
import { limits } from "#limits/index";
import { ChatRole, RunEventType, RunStatus, WorkerStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  type RunClientMessage,
  RunClientMessageSchema,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { requestOf, servicesFor } from "../api/services.js";
import { allMounts, grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";
import * as speaking from "./kit/speaking.js";
import { hello, type Payload, said } from "./kit/speaking.js";

let opened: Opened;
let mount: Mount;

beforeEach(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterEach(async () => {
  mount.close();
  await opened.gateway.close(1_000);
  vi.useRealTimers();
});

const ending = (...payloads: Payload[]) => speaking.ending(mount, ...payloads);
const heard = (...payloads: Payload[]) => speaking.heard({ opened, mount }, ...payloads);

test("what our worker says reaches the plane in the plane's words", async () => {
  const run = { runId: "r", fence: 2 };
  const reports = await heard(
    hello(1, { agents: [{ name: "a" }], maxConcurrentRuns: 4 }),
    {
      case: "heartbeat",
      value: { workerId: "w-1", beat: 7n, heldRunIds: ["r"], lastOrdinal: 3n, maxConcurrentRuns: 5_000 },
    },
    {
      case: "statusUpdate",
      value: { ...run, status: RunStatus.FAILED, errorMessage: "no", retryable: false, outputCount: 0n },
    },
    { case: "outputChunk", value: { ...run, seq: 1n, content: "text", timestampMs: 9n } },
    {
      case: "event",
      value: { ...run, id: "e", eventType: RunEventType.TOOL_REQUESTED, metadata: { tool: "grep" } },
    },
    {
      case: "event",
      value: {
        ...run,
        id: "f",
        eventType: RunEventType.CUSTOM,
        name: "progress",
        metadata: { percent: "40" },
      },
    },
    { case: "chatMessage", value: { ...run, message: { role: ChatRole.USER, content: "hi" } } },
    { case: "decline", value: { runId: "r", reason: "busy" } },
  );

  const runOf = { runId: "r", fence: 2 };
  expect(reports).toMatchObject([
    {
      type: "hello",
      protocol: 1,
      instance: "i",
      capacity: 4,
      info: { workerId: "w-1", agents: [{ name: "a" }] },
      resume: [{ runId: "r", fence: 2, nextSeq: 3 }],
    },
    { type: "heartbeat", status: "IDLE", beat: 7, capacity: 1_024, held: { runIds: ["r"], lastOrdinal: 3 } },
    {
      type: "status",
      ...runOf,
      status: "FAILED",
      errorMessage: "no",
      retryable: false,
      outputCount: 0,
      backend: null,
    },
    { type: "output", ...runOf, seq: 1, content: "text", isFinal: false, sentAt: 9 },
    { type: "event", ...runOf, id: "e", kind: RunEventType.TOOL_REQUESTED, metadata: { tool: "grep" } },
    {
      ...{ type: "event", ...runOf, id: "f", kind: RunEventType.CUSTOM },
      ...{ name: "progress", metadata: { percent: "40" } },
    },
    { type: "chat", ...runOf, role: ChatRole.USER, content: "hi" },
    { type: "decline", runId: "r", reason: "busy" },
  ]);
  await expect.poll(() => opened.plane.closedLinks).toBe(1);
});

test("a public worker has no fences, no held set and nothing to resume, and ten slots", async () => {
  const reports = await heard(
    hello(0),
    { case: "heartbeat", value: { workerId: "w-1", status: WorkerStatus.BUSY, heldRunIds: ["r"] } },
    { case: "statusUpdate", value: { runId: "r", status: RunStatus.RUNNING } },
    { case: "outputChunk", value: { runId: "r", content: "x".repeat(limits.chunkBytes + 1) } },
  );

  expect(reports[0]).toMatchObject({ type: "hello", protocol: 0, capacity: 10, resume: [], instance: "" });
  expect(reports[1]).toMatchObject({ type: "heartbeat", status: "BUSY" });
  for (const report of reports.slice(1)) {
    expect(report).not.toHaveProperty("held");
    expect(report).not.toHaveProperty("fence");
  }
});

test("what is unknown is ignored and counted, before the hello and after it", async () => {
  const nothing: Payload = { case: undefined };
  const later: Payload = { case: "outputChunk", value: { runId: "r", turn: 1, content: "next turn" } };
  const odd: Payload = { case: "event", value: { runId: "r", id: "e", eventType: 99 as RunEventType } };
  const nameless: Payload = { case: "event", value: { runId: "r", id: "f", eventType: RunEventType.CUSTOM } };
  opened.plane.onReport = ({ type }, sink) => {
    if (type === "decline") sink.send({ type: "drain", reason: "enough" });
  };
  const last: Payload = { case: "decline", value: { runId: "r", reason: "" } };
  const all = said(nothing, hello(1), nothing, later, odd, nameless, last);
  await mount.call(RunService.method.streamConnect, all, 1);

  expect(opened.plane.reports.map(({ type }) => type)).toEqual(["hello", "decline"]);
  const ignored = opened.counted.filter(({ name }) => name === "taskrun_reports_refused_total");
  expect(ignored).toHaveLength(4);
});

test.each<[string, Payload[], string]>([
  [
    "speaks before its hello",
    [{ case: "heartbeat", value: { workerId: "w" } }],
    "3 heartbeat: heartbeat came before the hello: the first message must be a hello.",
  ],
  [
    "does not say who it is",
    [{ case: "hello", value: {} }],
    "3 info: info is required: say who the worker is and what it can execute.",
  ],
  [
    "has a name that is none",
    [hello(1, { workerId: "a b" })],
    '3 info.worker_id: info.worker_id must be 1 to 256 letters, digits, "-", "_", "." or ":": name the worker accordingly.',
  ],
  [
    "offers too many slots",
    [hello(1, { maxConcurrentRuns: 1_025 })],
    "3 info.max_concurrent_runs: info.max_concurrent_runs is 1025; send a number from 0 to 1024: Runs at a time, where 0 means the default.",
  ],
  [
    "offers a nameless agent",
    [hello(1, { agents: [{ name: "a" }, {}] })],
    "3 info.agents[1].name: info.agents[1].name is required: send the name that Tasks ask for.",
  ],
  [
    "says hello twice",
    [hello(1), hello(1)],
    "3 hello: hello was said on this stream already; open another one.",
  ],
])("a worker of ours that %s loses its stream and hears why", async (_, payloads, answer) => {
  expect(await ending(...payloads)).toBe(answer);
});

test("a result that cannot be kept fails the Run, so that it is not sent again for ever", async () => {
  const status = { runId: "r", fence: 2, status: RunStatus.COMPLETED };
  const reports = await heard(
    hello(1),
    { case: "statusUpdate", value: { ...status, outputJson: "{nonsense" } },
    { case: "statusUpdate", value: { ...status, outputJson: `"${"x".repeat(limits.resultBytes)}"` } },
  );

  const failed = { type: "status", status: "FAILED", output: "", retryable: false };
  expect(reports.slice(1)).toMatchObject([
    { ...failed, errorMessage: expect.stringContaining("The agent's result is not JSON") },
    {
      ...failed,
      reason: "OUTPUT_LIMIT",
      errorMessage: expect.stringContaining("The agent's result is 1048578 bytes long"),
    },
  ]);
});

test("every frame of the plane reaches the worker, in order", async () => {
  opened.plane.onReport = (_, { send }) => {
    send({
      type: "welcome",
      session: "s" as SessionId,
      heartbeat: millis(5),
      lease: millis(6),
      serverTime: instant(7),
    });
    send({ type: "ack.output", runId: "r" as RunId, nextSeq: 4 });
    send({ type: "ack.status", runId: "r" as RunId });
    send({ type: "ack.heartbeat", beat: 9 });
    send({ type: "cancel", runId: "r" as RunId, reason: "why" });
  };
  const { answers } = await mount.call(RunService.method.streamConnect, said(hello(1)), 5);

  expect(answers).toMatchObject([
    { payload: { case: "welcome", value: { session: "s", heartbeatMs: 5n, leaseMs: 6n, serverTimeMs: 7n } } },
    { payload: { case: "ack", value: { ackType: "output", refId: "r", nextSeq: 4n } } },
    { payload: { case: "ack", value: { ackType: "status", refId: "r" } } },
    { payload: { case: "ack", value: { ackType: "heartbeat", refId: "", beat: 9n } } },
    { payload: { case: "cancelRun", value: { runId: "r", reason: "why" } } },
  ]);
});

test("the plane can end a stream, and refuse a report, over every mount", async () => {
  const mounts = allMounts(opened).filter(({ name }) => name !== "connect over HTTP/1.1");
  for (const [how, onReport] of [
    [
      "close",
      (_: unknown, sink: { close(fault: Fault): void }) => sink.close(new Fault("unavailable", "taken over")),
    ],
    ["throw", () => Promise.reject(new Fault("unavailable", "taken over"))],
  ] as const) {
    opened.plane.onReport = onReport;
    for (const each of mounts) {
      const { error } = await each.call(RunService.method.streamConnect, said(hello(1)), 1);
      expect
        .soft(`${each.name}, ${how}: ${error?.code} ${error?.message}`)
        .toBe(`${each.name}, ${how}: 14 taken over`);
    }
  }
  for (const each of mounts) each.close();
  await expect.poll(() => opened.plane.closedLinks).toBe(mounts.length * 2);
});

test("the next report is read only when the plane has taken the one before", async () => {
  let release = () => {};
  opened.plane.onReport = (report, sink) => {
    if (report.type === "decline") sink.send({ type: "drain", reason: "enough" });
    if (report.type !== "heartbeat") return undefined;
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  };
  const beat: Payload = { case: "heartbeat", value: { workerId: "w-1" } };
  const last: Payload = { case: "decline", value: { runId: "r", reason: "" } };
  const done = mount.call(RunService.method.streamConnect, said(hello(1), beat, last), 1);

  await expect.poll(() => opened.plane.reports.length).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(opened.plane.reports).toHaveLength(2);
  release();
  await done;
  expect(opened.plane.reports).toHaveLength(3);
});

test.each(["grpcPort", "httpPort"] as const)(
  "a worker that does not read loses its stream, not the plane its memory (%s)",
  async (listener) => {
    opened.plane.onReport = (_, sink) => {
      for (let i = 0; i <= limits.streamFrames + 64; i++) {
        sink.send({ type: "cancel", runId: `r-${i}` as RunId, reason: "x".repeat(1_000) });
      }
    };
    const port = opened[listener];
    const session = connect(`http://127.0.0.1:${port}`).on("error", () => undefined);
    const stream = session.request(
      {
        ":method": "POST",
        ":path": "/taskrun.v1.RunService/StreamConnect",
        ":authority": `127.0.0.1:${port}`,
        "content-type": "application/grpc",
        te: "trailers",
      },
      { endStream: false },
    );
    stream.on("error", () => undefined);
    const [message] = said(hello(1));
    const bytes = toBinary(RunClientMessageSchema, message as RunClientMessage);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(bytes.length, 1);
    stream.write(Buffer.concat([prefix, bytes])); // and then nothing is read

    await expect.poll(() => opened.plane.closedLinks).toBe(1);
    await expect
      .poll(() => opened.counted.filter(({ labels }) => labels?.code === "RESOURCE_EXHAUSTED").length)
      .toBe(1);
    session.destroy();
  },
);

test("a worker without a hello is sent away when its time is up", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const rpc = rpcs.find(({ method }) => method === RunService.method.streamConnect);
  if (rpc?.kind !== "bidi_streaming") throw new Error("StreamConnect is not served");
  async function* silence(): AsyncGenerator<Message> {
    await new Promise(() => undefined);
  }
  const { signal } = new AbortController();
  const call = { ...requestOf(servicesFor(opened.plane)), signal } as unknown;
  const answers = rpc.handle(silence(), call as StreamCall)[Symbol.asyncIterator]();
  const ending = answers.next();
  vi.advanceTimersByTime(limits.hello);

  await expect(ending).rejects.toMatchObject({ reason: "HELLO_TIMEOUT" });
  expect(opened.plane.sinks).toHaveLength(0);
});

test("a hello says who is on the connection, and nothing before it does", async () => {
  const rpc = rpcs.find(({ method }) => method === RunService.method.streamConnect);
  if (rpc?.kind !== "bidi_streaming") throw new Error("StreamConnect is not served");
  const told: string[] = [];
  async function* speech(): AsyncGenerator<Message> {
    const [nothing, first] = said({ case: undefined }, hello(1));
    yield nothing as Message;
    told.push("nothing");
    yield first as Message;
    told.push("hello");
  }
  const { signal } = new AbortController();
  const identified = () => told.push("identified");
  const call = { ...requestOf(servicesFor(opened.plane)), signal, identified } as unknown;
  for await (const _ of rpc.handle(speech(), call as StreamCall)) break;

  expect(told).toEqual(["nothing", "identified", "hello"]);
});
