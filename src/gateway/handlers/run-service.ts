import { getRunInput, type RunInput } from "#api/runs/get-run-input";
import { getRunStepResult } from "#api/runs/get-run-step-result";
import { run } from "#api/use-case";
import { connectWorker, type Introduced } from "#api/workers/connect-worker";
import { Fault } from "#domain/fault";
import type { Millis } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import { frameBytes } from "#domain/worker/frame-size";
import type { WorkerProtocol } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { WorkerLink, WorkerSink } from "#ports/plane";
import { serverMessage } from "#wire/convert-frame";
import { stepResultToWire } from "#wire/convert-task";
import {
  type GetRunInputResponse,
  type RunClientMessage,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { reportOf } from "../report.js";
import { asIs, bidiStreaming, type StreamCall, unary } from "../rpc.js";
import { FrameQueue } from "../traffic/frame-queue.js";
import { StallWatch } from "../traffic/stall.js";

/** The RunService: workers take Runs and report on them. */
export const runService = [
  bidiStreaming(RunService.method.streamConnect, streamConnect),
  unary(RunService.method.getStepResult, getRunStepResult, asIs, stepResultToWire),
  unary(RunService.method.getRunInput, getRunInput, asIs, inputAnswer),
];

function inputAnswer({ inputJson, inputBytes }: RunInput): GetRunInputResponse {
  return { $typeName: "taskrun.v1.GetRunInputResponse", inputJson, inputBytes: BigInt(inputBytes) };
}

async function* streamConnect(
  messages: AsyncIterable<RunClientMessage>,
  call: StreamCall,
): AsyncIterable<RunServerMessage> {
  const stalled = () => call.end(readTooSlowly(frames.unsentBytes));
  const frames: FrameQueue<WorkerFrame> = new FrameQueue<WorkerFrame>({
    count: limits.streamFrames,
    bytes: limits.streamFrameBytes,
    sizeOf: frameBytes,
    overflow: stalled,
    lowBytes: limits.unsentPerWorkerBytes / 2,
    drained: () => link.drained(),
  });
  const stall = new StallWatch(frames, stalled);
  const stop = () => frames.end();
  call.signal.addEventListener("abort", stop, { once: true });
  const link = listen(messages, frames, stall, call);
  try {
    for await (const frame of frames) yield serverMessage(frame);
  } finally {
    call.signal.removeEventListener("abort", stop);
    stall.stop();
    link.close();
  }
}

/** Reads the worker's stream to its end and passes its messages to the plane, at the plane's pace. */
function listen(
  messages: AsyncIterable<RunClientMessage>,
  frames: FrameQueue<WorkerFrame>,
  stall: StallWatch,
  call: StreamCall,
) {
  let link: WorkerLink | undefined;
  let open = true;
  let unwatch = (): void => undefined;
  const helloDue = setTimeout(() => frames.end(helloMissing()), limits.hello);
  helloDue.unref();

  const countRefused = (cause: string) => call.telemetry.count("taskrun_reports_refused_total", { cause });
  const cut = () => countRefused("too_long");
  const sink: WorkerSink = {
    get unsentBytes() {
      return frames.unsentBytes;
    },
    send: (frame) => {
      frames.push(frame);
      stall.arm();
    },
    close: (fault) => frames.abandon(fault),
  };
  const read = async () => {
    let protocol: WorkerProtocol = 0;
    for await (const message of messages) {
      if (!open) return;
      if (!link) {
        const introduced = await firstWords(message, call);
        if (!introduced) continue;
        // The stream may have ended meanwhile; then the link must be closed here.
        if (!open) return;
        clearTimeout(helloDue);
        call.identified();
        unwatch = watchCertificate(call, introduced, sink);
        link = introduced.connect(sink);
        protocol = introduced.hello.protocol;
        await link.receive({ type: "hello", ...introduced.hello });
        continue;
      }
      const report = reportOf(message, protocol, cut);
      if (report) await link.receive(report);
      else countRefused("unknown_kind");
    }
  };
  const reading = read().then(
    () => frames.end(),
    (error: Error) => frames.end(error),
  );

  return {
    drained: () => link?.drained(),
    close(): void {
      open = false;
      clearTimeout(helloDue);
      unwatch();
      link?.closed();
      reading.catch(() => undefined);
    },
  };
}

/** Has the stream of a worker ended with its certificate, and the worker told when another authority signs. */
function watchCertificate(
  { caller: { certificate: credential }, services: { enrolment }, end }: StreamCall,
  { hello, certificate }: Introduced,
  sink: WorkerSink,
): () => void {
  if (!credential || !enrolment) return () => undefined;
  const renew = (within: Millis) => sink.send({ type: "renew", within });
  return enrolment.streams.watch({ credential, certificate, end, ...(hello.protocol > 0 && { renew }) });
}

/** Reads the worker's hello; undefined for a message of an unknown kind, which may come before it. */
async function firstWords({ payload }: RunClientMessage, call: StreamCall): Promise<Introduced | undefined> {
  if (payload.case === undefined) return undefined;
  if (payload.case === "hello")
    return run(connectWorker, { ...payload.value, info: payload.value.info }, call);
  const field = payload.case.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  const message = `${field} came before the hello: the first message must be a hello.`;
  throw new Fault("invalid", message, { field, reason: "HELLO_EXPECTED" });
}

function helloMissing(): Fault {
  const message = `no hello within ${limits.hello / 1_000} s: send one as soon as the response headers are there.`;
  return new Fault("too_slow", message, { reason: "HELLO_TIMEOUT" });
}

function readTooSlowly(bytes: number): Fault {
  const message =
    `the stream is read too slowly: ${limits.streamFrames} messages or ${limits.streamFrameBytes} bytes wait, or ` +
    `none of ${bytes} bytes was taken for ${limits.streamStall / 1_000} s. Reconnect and resume.`;
  return new Fault("overloaded", message, { reason: "STREAM_STALLED" });
}
