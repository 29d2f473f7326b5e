import type { z } from "zod";
import { Fault } from "#domain/fault";
import type { WorkerFrame } from "#domain/frame";
import { ancestorsOf } from "#domain/graph";
import { limits } from "#domain/limits";
import { isOver } from "#domain/run";
import type { Hello } from "#domain/worker";
import type { WorkerLink } from "#ports/plane";
import { serverMessage } from "#wire/convert-frame";
import type { GetStepResultResponse } from "#wire/gen/taskrun/v1/common_pb";
import {
  type RunClientMessage,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { FrameQueue } from "../frame-queue.js";
import { helloOf } from "../hello.js";
import { findRun } from "../lookup.js";
import { reportOf } from "../report.js";
import { bidiStreaming, type Call, type StreamCall, unary } from "../rpc.js";
import { getRunStepResult } from "../schemas.js";

/** What workers do: take Runs and report on them. */
export const runService = [
  bidiStreaming(RunService.method.streamConnect, streamConnect),
  unary(RunService.method.getStepResult, getRunStepResult, getStepResult),
];

async function* streamConnect(
  messages: AsyncIterable<RunClientMessage>,
  call: StreamCall,
): AsyncIterable<RunServerMessage> {
  const frames = new FrameQueue<WorkerFrame>(limits.streamFrames, () => call.end(readTooSlowly()));
  const stop = () => frames.end();
  call.signal.addEventListener("abort", stop, { once: true });
  const link = listen(messages, frames, call);
  try {
    for await (const frame of frames) yield serverMessage(frame);
  } finally {
    call.signal.removeEventListener("abort", stop);
    link.close();
  }
}

/** Reads the worker's stream to its end and tells the plane, at the plane's pace. */
function listen(
  messages: AsyncIterable<RunClientMessage>,
  frames: FrameQueue<WorkerFrame>,
  call: StreamCall,
) {
  let link: WorkerLink | undefined;
  let open = true;
  const helloDue = setTimeout(() => frames.end(helloMissing()), limits.hello);
  helloDue.unref();

  const countRefused = (cause: string) => call.telemetry.count("taskrun_reports_refused_total", { cause });
  const cut = () => countRefused("too_long");
  const read = async () => {
    let hello: Hello | undefined;
    for await (const message of messages) {
      if (!open) return;
      if (!hello || !link) {
        hello = firstWords(message, call);
        if (!hello) continue;
        clearTimeout(helloDue);
        call.identified();
        link = call.plane.connect(call.caller, {
          send: (frame) => frames.push(frame),
          close: (fault) => frames.end(fault),
        });
        await link.receive({ type: "hello", ...hello });
        continue;
      }
      const report = reportOf(message, hello.protocol, cut);
      if (report) await link.receive(report);
      else countRefused("unknown_kind");
    }
  };
  const reading = read().then(
    () => frames.end(),
    (error: Error) => frames.end(error),
  );

  return {
    close(): void {
      open = false;
      clearTimeout(helloDue);
      link?.closed();
      reading.catch(() => undefined);
    },
  };
}

/** The hello, or undefined for a message of a kind we do not know, which may come before it. */
function firstWords({ payload }: RunClientMessage, { caller }: StreamCall): Hello | undefined {
  if (payload.case === undefined) return undefined;
  if (payload.case === "hello") return helloOf(payload.value, caller);
  const field = payload.case.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  const message = `${field} came before the hello: the first message must be a hello.`;
  throw new Fault("invalid", message, { field, reason: "HELLO_EXPECTED" });
}

function helloMissing(): Fault {
  const message = `no hello within ${limits.hello / 1_000} s: send one as soon as the response headers are there.`;
  return new Fault("too_slow", message, { reason: "HELLO_TIMEOUT" });
}

function readTooSlowly(): Fault {
  const message = `the stream is read too slowly: ${limits.streamFrames} messages wait. Reconnect and resume.`;
  return new Fault("overloaded", message, { reason: "STREAM_STALLED" });
}

/** A Run reads what had to be done before its Step, as long as it is the one that tries it. */
async function getStepResult(
  { runId, fence, stepName }: z.output<typeof getRunStepResult>,
  { plane, caller }: Call,
): Promise<GetStepResultResponse> {
  const run = await findRun(plane, caller, runId);
  if (run.fence !== fence) {
    const message = `fence ${fence} is not that of Run ${runId}, which is ${run.fence}: it was given to somebody else since.`;
    throw new Fault("wrong_state", message, { field: "fence", reason: "FENCE_OUTDATED" });
  }
  if (isOver(run.status)) {
    const message = `Run ${runId} is ${run.status}: only one that has not ended reads results.`;
    throw new Fault("wrong_state", message, { reason: "RUN_ENDED", metadata: { status: run.status } });
  }
  const { taskId } = run;
  const steps = (await plane.reads.task(taskId))?.steps ?? [];
  const before = ancestorsOf(steps, run.stepName);
  if (!before.has(stepName)) {
    const message = `Step "${stepName}" is none that must be done before Step "${run.stepName}" of Task ${taskId}.`;
    throw new Fault("not_found", message, { field: "step_name", reason: "STEP_NOT_FOUND" });
  }
  const outputJson = await plane.reads.output({ taskId, stepName });
  if (outputJson === undefined || outputJson === "") {
    const message = `Step "${stepName}" of Task ${taskId} has no result.`;
    throw new Fault("not_found", message, { field: "step_name", reason: "NO_RESULT" });
  }
  const outputBytes = BigInt(Buffer.byteLength(outputJson));
  return { $typeName: "taskrun.v1.GetStepResultResponse", outputJson, outputBytes };
}
