/** What grpc-js does on streams whose bytes are counted here, over the wire. */
import { EventEmitter } from "node:events";
import { connect, type ServerHttp2Stream } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import type { Session } from "#gateway/connections/session";
import { GrpcTransport } from "#gateway/grpc/transport";
import { Traffic } from "#gateway/traffic/traffic";
import { silentTelemetry } from "#host/silent-telemetry";
import { HealthCheckRequestSchema } from "#wire/gen/grpc/health/v1/health_pb";
import { RunClientMessageSchema, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { paths } from "../../hostile/raw/paths.js";
import { envelope } from "../../hostile/raw/raw-http2.js";
import { type Opened, open } from "../kit/open.js";
import { hello, type Payload } from "../kit/speaking.js";

const PATIENCE_MS = 20_000;
let opened: Opened;

beforeEach(async () => {
  opened = await open({ messageDeadline: millis(500) });
});
afterEach(() => opened.gateway.close(1_000));

interface Answer {
  readonly status: string;
  readonly message: string;
}

/** A call, byte by byte. */
function call(path: string, headers: Readonly<Record<string, string>> = {}) {
  const session = connect(`http://127.0.0.1:${opened.grpcPort}`);
  session.on("error", () => undefined);
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => undefined);
  const ended = new Promise<Answer>((resolve) => {
    const told: Record<string, unknown> = {};
    stream.on("response", (answer) => Object.assign(told, answer));
    stream.on("trailers", (trailers) => Object.assign(told, trailers));
    stream.on("close", () => {
      const status = String(told["grpc-status"] ?? `reset ${stream.rstCode}`);
      resolve({ status, message: String(told["grpc-message"]) });
      session.destroy();
    });
  });
  return { stream, ended };
}

const said = (payload: Payload) =>
  envelope(Buffer.from(toBinary(RunClientMessageSchema, create(RunClientMessageSchema, { payload }))));
const health = envelope(Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema))));
const worker = `/${RunService.typeName}/${RunService.method.streamConnect.name}`;

test.each([
  ["no message", Buffer.alloc(0), "3"],
  ["two messages", Buffer.concat([health, health]), "3"],
  ["half a message", health.subarray(0, 3), "3"],
])("a request of one message with %s is refused", { timeout: PATIENCE_MS }, async (_, bytes, status) => {
  const { stream, ended } = call(paths.healthCheck);
  stream.resume();
  stream.end(bytes);
  expect((await ended).status).toBe(status);
});

test("a message that does not end is refused with the reason, in a stream too", {
  timeout: PATIENCE_MS,
}, async () => {
  const ends = [paths.healthCheck, paths.watch, worker].map((path) => {
    const { stream, ended } = call(path);
    stream.resume();
    stream.write(envelope(Buffer.alloc(10), 1_000));
    return ended;
  });
  for (const { status, message } of await Promise.all(ends)) {
    expect([status, decodeURIComponent(message)]).toEqual([
      "4",
      "the request was not complete after 0.5 s: send it faster, or less at once.",
    ]);
  }
});

test("a deadline ends the handler of a peer that does not read", { timeout: 2 * PATIENCE_MS }, async () => {
  const { stream } = call(worker, { "grpc-timeout": "300m" });
  stream.write(said(hello(1)));
  await expect.poll(() => opened.plane.sinks.length, { timeout: PATIENCE_MS }).toBe(1);
  const [sink] = opened.plane.sinks;
  // More than its window: the status cannot leave.
  for (let n = 0; n < 10; n++) sink?.send({ type: "drain", reason: "x".repeat(50_000) });
  await expect.poll(() => opened.plane.closedLinks, { timeout: PATIENCE_MS }).toBe(1);
  expect(stream.closed).toBe(false);
  stream.destroy();
});

test("what a busy handler has not taken is not read ahead without end", {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  let go = () => {};
  const busy = new Promise<void>((resolve) => {
    go = resolve;
  });
  opened.plane.onReport = () => busy;
  const { stream } = call(worker);
  stream.resume();
  stream.write(said(hello(1)));
  const chunk = said({
    case: "outputChunk",
    value: { runId: "r", fence: 2, seq: 1n, content: "x".repeat(50_000), timestampMs: 9n },
  });
  for (let n = 0; n < 40; n++) stream.write(chunk);
  const sent = () => 41 * chunk.length - stream.writableLength;
  let before = -1;
  await expect
    .poll(
      () => {
        const settled = sent() === before;
        before = sent();
        return settled;
      },
      { interval: 500, timeout: PATIENCE_MS },
    )
    .toBe(true);
  expect(sent()).toBeLessThan(10 * chunk.length);
  go();
  await expect.poll(() => opened.plane.reports.length, { timeout: PATIENCE_MS }).toBe(41);
  stream.destroy();
});

test("small messages that nobody reads wait by the hundred, not by the thousand", () => {
  const unread = Object.assign(new EventEmitter(), { closed: false, destroyed: false, write: () => false });
  const session = { connection: { quota: { bytes: 0 } }, sent: () => undefined };
  const traffic = new Traffic(silentTelemetry());
  const transport = new GrpcTransport(
    unread as unknown as ServerHttp2Stream,
    {},
    session as unknown as Session,
    { kind: "server_streaming", refused: () => undefined, traffic },
  );
  let written = 0;
  for (let taken = true; taken && written < 10_000; written++) {
    taken = false;
    transport.write(Buffer.alloc(10), () => {
      taken = true;
    });
  }
  expect(written).toBeLessThan(300);
  expect(traffic.stalled.bytes).toBeGreaterThan(64 * 1024);
});

test("a failure that quotes half a character is told", { timeout: PATIENCE_MS }, async () => {
  opened.plane.refusal = new Fault("invalid", "what is \ud800?");
  const { stream, ended } = call(paths.unary);
  stream.resume();
  stream.end(envelope(Buffer.from([0x0a, 1, 0x61])));
  const { status, message } = await ended;
  expect([status, decodeURIComponent(message)]).toEqual(["3", "what is \ufffd?"]);
});

test.each(["/a.B/%ff%00", "/é", "/a b", `/${"x".repeat(9_000)}`, "*"])(
  "an odd path is one that is not known, and nothing else suffers (%s)",
  { timeout: PATIENCE_MS },
  async (path) => {
    const odd = call(path);
    odd.stream.resume();
    odd.stream.end(health);
    // Some are none for HTTP/2 already.
    expect((await odd.ended).status).toMatch(/^(?:12|reset \d+)$/);
    const next = call(paths.healthCheck);
    next.stream.resume();
    next.stream.end(health);
    expect((await next.ended).status).toBe("0");
  },
);
