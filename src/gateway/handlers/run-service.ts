import { getJournal } from "#api/runs/get-journal";
import { getRunInput, type RunInput } from "#api/runs/get-run-input";
import { getRunStepResult } from "#api/runs/get-run-step-result";
import { run } from "#api/use-case";
import { connectWorker, type Introduced } from "#api/workers/connect-worker";
import { Fault } from "#domain/fault";
import type { KeptRecord } from "#domain/task/journal";
import type { WorkerProtocol } from "#domain/worker/worker";
import { serverMessage } from "#wire/convert-frame";
import { recordToWire } from "#wire/convert-journal";
import { stepResultToWire } from "#wire/convert-task";
import {
  type GetJournalResponse,
  type GetRunInputResponse,
  type RunClientMessage,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { reportOf } from "../report.js";
import { asIs, bidiStreaming, type StreamCall, unary } from "../rpc.js";
import { workerStream } from "../worker-stream.js";

/** The RunService: workers take Runs and report on them. */
export const runService = [
  bidiStreaming(RunService.method.streamConnect, streamConnect),
  unary(RunService.method.getStepResult, getRunStepResult, asIs, stepResultToWire),
  unary(RunService.method.getRunInput, getRunInput, asIs, inputAnswer),
  unary(RunService.method.getJournal, getJournal, asIs, journalAnswer),
];

/** Records without the Runs that wrote them, which are no business of a worker. */
function journalAnswer(records: readonly KeptRecord[]): GetJournalResponse {
  const wires = records.map((record) => ({ ...recordToWire(record), runId: "" }));
  return { $typeName: "taskrun.v1.GetJournalResponse", records: wires };
}

function inputAnswer({ inputJson, inputBytes }: RunInput): GetRunInputResponse {
  return { $typeName: "taskrun.v1.GetRunInputResponse", inputJson, inputBytes: BigInt(inputBytes) };
}

function streamConnect(
  messages: AsyncIterable<RunClientMessage>,
  call: StreamCall,
): AsyncIterable<RunServerMessage> {
  const countRefused = (cause: string) => call.telemetry.count("taskrun_reports_refused_total", { cause });
  const cut = () => countRefused("too_long");
  let protocol: WorkerProtocol = 0;
  return workerStream(messages, call, {
    introduced: async (message) => {
      const introduced = await firstWords(message, call);
      if (introduced) protocol = introduced.hello.protocol;
      return introduced;
    },
    hear: async (message, link) => {
      const report = reportOf(message, protocol, cut);
      if (report) await link.receive(report);
      else countRefused("unknown_kind");
    },
    tell: serverMessage,
  });
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
