import { EventEmitter, once } from "node:events";
import type { IncomingHttpHeaders } from "node:http2";
import { Socket } from "node:net";
import { type sendUnaryData, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { assertStreamHandler, type EngineStream, GrpcEngine } from "#gateway/grpc/engine";

const PATH = "/test.Service/";
const same = (bytes: Buffer) => bytes;
const codecs = {
  requestDeserialize: same,
  requestSerialize: same,
  responseDeserialize: same,
  responseSerialize: same,
};

/** All that the interface promises, and no more: whatever else is looked for is remembered. */
class FakeStream extends EventEmitter {
  readonly session = { socket: new Socket() };
  readonly destroyed = false;
  readonly closed = false;
  readonly rstCode = 0;
  readonly sent: Buffer[] = [];
  readonly headers: object[] = [];
  pause(): void {}
  resume(): void {}
  respond(headers: object, { endStream }: { endStream?: boolean }): void {
    this.headers.push(headers);
    if (endStream) this.emit("over");
  }
  write(bytes: Buffer, taken: () => void): void {
    this.sent.push(bytes);
    taken();
  }
  end(): void {
    this.emit("wantTrailers");
  }
  sendTrailers(trailers: object): void {
    this.headers.push(trailers);
    this.emit("over");
  }
}

const promised: ReadonlySet<string | symbol> = new Set<keyof EngineStream>([
  "session",
  "destroyed",
  "closed",
  "rstCode",
  "on",
  "once",
  "pause",
  "resume",
  "respond",
  "write",
  "end",
  "sendTrailers",
]);

async function serve(engine: GrpcEngine, method: string, more: IncomingHttpHeaders = {}, message = "hi") {
  const stream = new FakeStream();
  const asked = new Set<string | symbol>();
  const watched = new Proxy(stream, {
    get(target, name) {
      if (!promised.has(name)) asked.add(name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const over = once(stream, "over");
  const headers = { ":path": PATH + method, "content-type": "application/grpc", ...more };
  engine.serve(watched as unknown as EngineStream, headers, (call) => call);
  if (message) {
    const bytes = Buffer.alloc(5 + message.length);
    bytes.writeUInt32BE(message.length, 1);
    bytes.write(message, 5);
    stream.emit("data", bytes);
    stream.emit("end");
  }
  await over;
  stream.emit("close");
  return {
    asked: [...asked],
    answer: Buffer.concat(stream.sent).subarray(5).toString(),
    last: stream.headers.at(-1),
  };
}

function engineOf(): GrpcEngine {
  const engine = new GrpcEngine();
  const define = (name: string, requestStream: boolean, responseStream: boolean) => ({
    [name]: { path: PATH + name, requestStream, responseStream, ...codecs },
  });
  engine.addService(define("Echo", false, false), {
    Echo: (call: { request: Buffer }, callback: sendUnaryData<Buffer>) => callback(null, call.request),
  });
  engine.addService(define("Fail", false, false), {
    Fail: (_: unknown, callback: sendUnaryData<Buffer>) => callback({ code: status.ABORTED, details: "no" }),
  });
  engine.addService(define("Silent", false, false), { Silent: () => undefined });
  engine.addService(define("List", false, true), {
    List: (call: { request: Buffer; end(): void; write(bytes: Buffer): void }) => {
      call.write(call.request);
      call.end();
    },
  });
  engine.addService(define("Talk", true, true), {
    Talk: (call: NodeJS.ReadWriteStream) => call.pipe(call),
  });
  return engine;
}

test.each(["Echo", "List", "Talk"])("grpc-js serves a stream that it was handed (%s)", async (method) => {
  const { asked, answer, last } = await serve(engineOf(), method);
  expect({ asked, answer }).toEqual({ asked: [], answer: "hi" });
  expect(last).toMatchObject({ "grpc-status": 0 });
});

test.each([
  ["Fail", {}, { "grpc-status": 10, "grpc-message": "no" }],
  ["Silent", { "grpc-timeout": "20m" }, { "grpc-status": 4 }],
  ["Silent", { "grpc-timeout": "soon" }, { "grpc-status": 13 }],
  ["Nothing", {}, { "grpc-status": 12 }],
  ["Echo", { "content-type": "text/plain" }, { ":status": 415 }],
])("what fails is told, and no more is asked of the stream (%s %j)", async (method, headers, expected) => {
  const { asked, last } = await serve(engineOf(), method, headers);
  expect(asked).toEqual([]);
  expect(last).toMatchObject(expected);
});

test("another grpc-js is refused when the process starts, with the way out", () => {
  expect(() => assertStreamHandler({})).toThrow(/_streamHandler.*1\.14\.7/);
});
