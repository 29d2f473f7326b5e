/** A worker made by hand, frame by frame: it says what a test wants, also what no good worker would. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  type RunAssignment,
  type RunClientMessage,
  RunClientMessageSchema,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { Rpc } from "../../bench/rpc.js";
import { until } from "./harness.js";

type Said = NonNullable<
  Exclude<MessageInitShape<typeof RunClientMessageSchema>, { $typeName: string }>["payload"]
>;
type Heard = RunServerMessage["payload"];
type HeardCase = NonNullable<Heard["case"]>;
type Value<Case extends HeardCase> = Extract<Heard, { case: Case }>["value"];

export interface RawWorkerOptions {
  readonly id: string;
  readonly protocol?: 0 | 1;
  readonly agents?: readonly string[];
  readonly capacity?: number;
  readonly instance?: string;
  readonly resume?: readonly { readonly runId: string; readonly fence: number; readonly nextSeq: bigint }[];
}

export class RawWorker {
  readonly heard: Heard[] = [];
  /** How the stream ended: the gRPC status code; undefined while it is open. */
  endedWith: number | undefined;
  readonly #rpc: Rpc;
  readonly #stream: ClientDuplexStream<RunClientMessage, RunServerMessage>;
  readonly #options: RawWorkerOptions;
  #beat = 0n;

  /** Opens the stream and says hello. */
  constructor(addr: string, options: RawWorkerOptions) {
    this.#options = options;
    this.#rpc = new Rpc(addr);
    this.#stream = this.#rpc.bidi(RunService.method.streamConnect);
    this.#stream.on("data", ({ payload }: RunServerMessage) => this.heard.push(payload));
    this.#stream.on("error", () => {});
    this.#stream.on("status", ({ code }: { code: number }) => {
      this.endedWith = code;
    });
    const { id, protocol = 1, agents = ["raw"], capacity = 0, instance = "i-1", resume = [] } = options;
    const info = { workerId: id, agents: agents.map((name) => ({ name })), maxConcurrentRuns: capacity };
    this.say({ case: "hello", value: { info, protocol, instance, resume: [...resume] } });
  }

  say(payload: Said): void {
    this.#stream.write(create(RunClientMessageSchema, { payload }));
  }

  /** All frames of one kind so far. */
  all<Case extends HeardCase>(kind: Case): Value<Case>[] {
    return this.heard.flatMap((frame) => (frame.case === kind ? [frame.value as Value<Case>] : []));
  }

  /** The first frame of the kind that fits, once it is there. */
  hears<Case extends HeardCase>(
    kind: Case,
    fits: (value: Value<Case>) => boolean = () => true,
  ): Promise<Value<Case>> {
    const find = (): object | undefined => this.all(kind).find(fits);
    return until(`${this.#options.id} hears ${kind}`, find) as Promise<Value<Case>>;
  }

  assigned(taskId: string): Promise<RunAssignment> {
    return this.hears("assignRun", (assignment) => assignment.taskId === taskId);
  }

  status({ runId, fence }: { runId: string; fence: number }, status: RunStatus, more: object = {}): void {
    this.say({ case: "statusUpdate", value: { runId, fence, status, ...more } });
  }

  output({ runId, fence }: { runId: string; fence: number }, seq: number, content: string): void {
    this.say({ case: "outputChunk", value: { runId, fence, seq: BigInt(seq), content } });
  }

  /** Sends a heartbeat and waits until it is acknowledged: all that was said before has been taken in by then. */
  async beat(held: readonly string[], lastOrdinal = 0n): Promise<void> {
    this.#beat += 1n;
    const beat = this.#beat;
    const { id } = this.#options;
    this.say({ case: "heartbeat", value: { workerId: id, beat, heldRunIds: [...held], lastOrdinal } });
    await this.hears("ack", (ack) => ack.ackType === "heartbeat" && ack.beat === beat);
  }

  /** Says that it has nothing more to say. */
  finish(): void {
    this.#stream.end();
  }

  close(): void {
    this.#stream.cancel();
    this.#rpc.close();
  }
}

/** The six statuses a run can have, by their names. */
export const statuses = {
  PENDING: RunStatus.PENDING,
  ASSIGNED: RunStatus.ASSIGNED,
  RUNNING: RunStatus.RUNNING,
  COMPLETED: RunStatus.COMPLETED,
  FAILED: RunStatus.FAILED,
  CANCELLED: RunStatus.CANCELLED,
} as const;
export type StatusName = keyof typeof statuses;
