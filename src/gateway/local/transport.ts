import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createContextValues,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { runStreamingCall, runUnaryCall } from "@connectrpc/connect/protocol";
import type { Fault } from "#domain/fault";
import { endAtExpiry } from "../access/expiry.js";
import { Pace } from "../connections/pace.js";
import { CANCELLED, drainingFault, Meter, OK, type Outcome } from "../outcome.js";
import { type AnswerChannel, type Call, callBy, type Rpc, type Served, type StreamCall } from "../rpc.js";
import type { OpenRequests } from "../traffic/open-requests.js";
import type { OpenStream, OpenStreams } from "../traffic/streams.js";
import { AnswerRoom } from "./answer-room.js";
import { localError } from "./failure.js";
import { answered, received, receivedAll, sentBytes } from "./messages.js";
import { LocalStream } from "./stream.js";

export interface LocalParts {
  readonly rpcs: readonly Rpc[];
  readonly served: Served;
  readonly streams: OpenStreams;
  readonly requests: OpenRequests;
  /**
   * Why nothing is served any more; undefined while something is. Also while the gateway drains: who is told to come again
   * would find no other plane.
   */
  readonly stopped: () => Fault | undefined;
}

/** What Connect takes as headers. */
type HeaderPairs = ConstructorParameters<typeof Headers>[0];

interface Mounted {
  readonly rpc: Rpc;
  readonly meter: Meter;
}

/**
 * The table of handlers for callers in this process: Connect's transport for clients and workers, without a socket. A call
 * has the same checks, limits, deadlines and errors as over gRPC.
 */
export class LocalTransport implements Transport {
  readonly #parts: LocalParts;
  readonly #mounted: ReadonlyMap<string, Mounted>;
  readonly #room = new AnswerRoom();
  readonly #pace = new Pace();

  constructor(parts: LocalParts) {
    const { rpcs, served } = parts;
    this.#parts = parts;
    this.#mounted = new Map(
      rpcs.map((rpc) => [pathOf(rpc.method), { rpc, meter: new Meter(served.telemetry, rpc, "local") }]),
    );
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderPairs,
    message: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    return runUnaryCall<I, O>({
      signal,
      timeoutMs,
      req: { stream: false, method, message, ...requestOf(method, header) },
      next: async (request) => {
        const answer = (await this.#answer(request as unknown as UnaryRequest)) as MessageShape<O>;
        return { stream: false, method, message: answer, ...responseOf(method) };
      },
    } as Parameters<typeof runUnaryCall<I, O>>[0]);
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderPairs,
    message: AsyncIterable<MessageInitShape<I>>,
  ): Promise<StreamResponse<I, O>> {
    return runStreamingCall<I, O>({
      signal,
      timeoutMs,
      req: { stream: true, method, message, ...requestOf(method, header) },
      next: async (request) => {
        const answers = await this.#open(method, request.message, request.header, request.signal);
        return {
          stream: true,
          method,
          message: answers as AsyncIterable<MessageShape<O>>,
          ...responseOf(method),
        };
      },
    } as Parameters<typeof runStreamingCall<I, O>>[0]);
  }

  async #answer({ method, message, header, signal }: UnaryRequest): Promise<Message> {
    const { rpc, meter } = this.#find(method);
    if (rpc.kind !== "unary") throw notServed(method);
    const beganAt = performance.now();
    const { served, requests, streams } = this.#parts;
    const bytes = sentBytes(method.input, message);
    const place = this.#room.place();
    let outcome: Outcome = OK;
    let wait: OpenStream | undefined;
    try {
      const crowded = this.#pace.next();
      if (crowded) await crowded;
      const stopped = this.#parts.stopped();
      if (stopped) throw stopped;
      wait = rpc.waits ? streams.openWait(signal) : undefined;
      const found = callOf(served, rpc, header, place);
      const call = found instanceof Promise ? await found : found;
      wait?.belongTo(call.caller);
      if (wait) endAtExpiry(wait, call.caller);
      const request = received(method.input, bytes);
      const answer = rpc.handle(request, wait ? { ...call, signal: wait } : call);
      return answered(method.output, await unlessCut(answer, signal, requests));
    } catch (error) {
      outcome = signal.aborted ? CANCELLED : meter.outcomeOf(wait?.fault ?? error);
      throw outcome.fault ? localError(outcome) : error;
    } finally {
      if (wait) streams.close(wait);
      place.release();
      meter.count(outcome);
      meter.time(beganAt);
    }
  }

  async #open(
    method: DescMethod,
    messages: AsyncIterable<Message>,
    header: Headers,
    signal: AbortSignal,
  ): Promise<LocalStream> {
    const { rpc, meter } = this.#find(method);
    if (rpc.kind === "unary") throw notServed(method);
    const { served, streams } = this.#parts;
    const asked = await this.#admit(() => callOf(served, rpc, header, uncounted), meter);
    const open = streams.open();
    open.belongTo(asked.caller);
    endAtExpiry(open, asked.caller);
    const call: StreamCall = {
      ...asked,
      signal: open.signal,
      end: (fault) => open.end(fault),
      keep: (bytes) => open.keep(bytes),
      identified: () => undefined,
    };
    const { input, output } = method;
    const requests = receivedAll(input, messages, this.#pace, open.signal);
    const answers =
      rpc.kind === "bidi_streaming" ? rpc.handle(requests, call) : answersTo(rpc, requests, call);
    const parts = { output, answers, open, signal, pace: this.#pace, meter, stopped: this.#parts.stopped };
    return new LocalStream({ ...parts, ended: () => streams.close(open) });
  }

  /** The call of a stream, unless it is refused: then nothing of it stays open. */
  async #admit(make: () => Call | Promise<Call>, meter: Meter): Promise<Call> {
    try {
      const stopped = this.#parts.stopped();
      if (stopped) throw stopped;
      return await make();
    } catch (error) {
      const outcome = meter.outcomeOf(error);
      meter.count(outcome);
      throw localError(outcome);
    }
  }

  #find(method: DescMethod): Mounted {
    const mounted = this.#mounted.get(pathOf(method));
    if (!mounted) throw notServed(method);
    return mounted;
  }
}

function pathOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

function notServed(method: DescMethod): ConnectError {
  return new ConnectError(`${pathOf(method)} is not served`, Code.Unimplemented);
}

function requestOf({ parent: service }: DescMethod, header: HeaderPairs) {
  const common = { requestMethod: "POST", url: "", contextValues: createContextValues() };
  return { ...common, service, header: new Headers(header) };
}

function responseOf({ parent: service }: DescMethod) {
  return { service, header: new Headers(), trailer: new Headers() };
}

/** A stream's answers count as they are read. */
const uncounted: AnswerChannel = { reserve: () => undefined };

function callOf(
  { services, telemetry, health, identify }: Served,
  { method }: Pick<Rpc, "method">,
  headers: Headers,
  channel: AnswerChannel,
): Call | Promise<Call> {
  const header = (name: string) => headers.get(name) ?? undefined;
  const reserve = (bytes: number) => channel.reserve(bytes);
  const caller = identify({ asked: `${method.parent.typeName}/${method.name}`, header });
  return callBy({ services, telemetry, health, reserve, traceparent: () => header("traceparent") }, caller);
}

/** The answers to a stream's only request, which is read when the first of them is. */
async function* answersTo(
  rpc: Rpc & { kind: "server_streaming" },
  requests: AsyncIterable<Message>,
  call: StreamCall,
): AsyncGenerator<Message, void> {
  for await (const request of requests) {
    yield* rpc.handle(request, call);
    return;
  }
}

/** Resolves like `work`, unless its caller is gone, or the gateway closes, before. `work` then goes on unheard. */
function unlessCut<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  requests: OpenRequests,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const done = requests.open(() => fail(drainingFault()));
    const end = () => {
      done();
      signal.removeEventListener("abort", gone);
    };
    const fail = (error: unknown) => {
      end();
      reject(error);
    };
    const gone = () => fail(CANCELLED.fault);
    signal.addEventListener("abort", gone);
    if (signal.aborted) gone();
    work.then((result) => {
      end();
      resolve(result);
    }, fail);
  });
}
