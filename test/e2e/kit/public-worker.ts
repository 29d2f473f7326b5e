/** A worker of the public protocol, on nothing but HTTP/2: frames made by hand, only public fields, no resume. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type RunEventType, type RunStatus, WorkerStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  type RunAssignment,
  RunClientMessageSchema,
  type RunServerMessage,
  RunServerMessageSchema,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { until } from "./harness.js";

type Said = NonNullable<
  Exclude<MessageInitShape<typeof RunClientMessageSchema>, { $typeName: string }>["payload"]
>;

export const backend = {
  provider: "anthropic",
  modelName: "claude-opus-4-5",
  contextWindow: 200_000,
  supportsStreaming: true,
  modalities: ["text"],
};

export class PublicWorker {
  readonly id: string;
  readonly heard: RunServerMessage["payload"][] = [];
  /** Milliseconds from the request to its response headers, before anything was said. */
  headersAfterMs = -1;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  #unread = Buffer.alloc(0);
  #events = 0;

  constructor(addr: string, id: string) {
    this.id = id;
    this.#session = connect(`http://${addr}`);
    this.#session.on("error", () => {});
    this.#stream = this.#session.request({
      ":method": "POST",
      ":path": "/taskrun.v1.RunService/StreamConnect",
      ":authority": addr,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const askedAt = performance.now();
    this.#stream.on("response", () => {
      this.headersAfterMs = performance.now() - askedAt;
    });
    this.#stream.on("data", (data: Buffer) => this.#read(data));
    this.#stream.on("error", () => {});
  }

  /** Waits for the response headers, as this worker does before it says a word. */
  async headers(): Promise<number> {
    await until("response headers", () => this.headersAfterMs >= 0);
    return this.headersAfterMs;
  }

  hello(agentName: string, maxConcurrentRuns = 10): void {
    const agents = [{ name: agentName, description: "Support ticket triage agent", backends: [backend] }];
    const info = {
      workerId: this.id,
      hostname: "unknown",
      version: "0.1.0",
      agents,
      labels: { env: "development" },
    };
    this.say({ case: "hello", value: { info } });
    this.say({
      case: "heartbeat",
      value: {
        workerId: this.id,
        status: WorkerStatus.IDLE,
        activeRuns: 0,
        maxConcurrentRuns,
        timestampMs: BigInt(Date.now()),
      },
    });
  }

  say(payload: Said): void {
    const bytes = toBinary(RunClientMessageSchema, create(RunClientMessageSchema, { payload }));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(bytes.length, 1);
    this.#stream.write(Buffer.concat([head, bytes]));
  }

  status(
    runId: string,
    status: RunStatus,
    more: { errorMessage?: string; backendUsed?: typeof backend } = {},
  ): void {
    this.say({ case: "statusUpdate", value: { runId, status, timestampMs: BigInt(Date.now()), ...more } });
  }

  chunk(runId: string, seq: number, content: string, isFinal = false): void {
    const timestampMs = BigInt(Date.now());
    this.say({ case: "outputChunk", value: { runId, seq: BigInt(seq), content, isFinal, timestampMs } });
  }

  event(
    { runId, taskId }: RunAssignment,
    eventType: RunEventType,
    metadata: Record<string, string> = {},
  ): void {
    this.#events += 1;
    const id = `${runId}-event-${this.#events}`;
    this.say({
      case: "event",
      value: { id, runId, taskId, eventType, metadata, timestampMs: BigInt(Date.now()) },
    });
  }

  assigned(taskId: string): Promise<RunAssignment> {
    return until("an assignment", () => {
      const found = this.heard.find((frame) => frame.case === "assignRun" && frame.value.taskId === taskId);
      return found?.case === "assignRun" && found.value;
    });
  }

  /** Reads no more of what it is sent. */
  stop(): void {
    this.#stream.pause();
  }

  close(): void {
    this.#stream.close();
    this.#session.destroy();
  }

  #read(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data]);
    while (this.#unread.length >= 5) {
      const end = 5 + this.#unread.readUInt32BE(1);
      if (this.#unread.length < end) return;
      this.heard.push(fromBinary(RunServerMessageSchema, this.#unread.subarray(5, end)).payload);
      this.#unread = this.#unread.subarray(end);
    }
  }
}
