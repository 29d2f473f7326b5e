import { toJson } from "@bufbuild/protobuf";
import { type LogPage, readLog } from "#api/tasks/read-log";
import { run } from "#api/use-case";
import { Fault } from "#domain/fault";
import { taskEvent } from "#wire/convert-event";
import { RunEventTypeSchema } from "#wire/gen/taskrun/v1/common_pb";
import { type TaskEvent, TaskEventSchema, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { WATCH_TOKEN } from "../http/sender.js";
import { named } from "../http/task-events.js";
import type { Call, Rpc } from "../rpc.js";
import type { RestAnswer, RestOperation, RestRequest } from "./operation.js";
import { Parameters } from "./parameters.js";

/** A Task's log as JSON, for who does not follow it: its events, and the text that its agent has put out. */
export function logOperations(rpcs: readonly Rpc[]): {
  readonly events: RestOperation;
  readonly output: RestOperation;
} {
  const rpc = rpcs.find(({ method }) => method === TaskService.method.getTask);
  if (rpc?.kind !== "unary") throw new Error("a Task is read by GetTask");
  const of = (
    path: string,
    perform: (request: RestRequest, call: Call) => Promise<RestAnswer>,
  ): RestOperation => {
    return { rpc, asked: path, method: "GET", path, perform: (request, _, call) => perform(request, call) };
  };
  return {
    events: of("/v1/tasks/{id}/events", listEvents),
    output: { ...of("/v1/tasks/{id}/output", readOutput), documentation: outputDocumentation },
  };
}

async function listEvents(request: RestRequest, call: Call): Promise<RestAnswer> {
  const after = parametersOf(request, ["after"]).maybe("after");
  const { task, output, firstSeq, entries, next } = await pageOf(request, after, call);
  const events = entries.map((entry, i) =>
    taskEvent(task, firstSeq + i, entry, i === entries.length - 1 ? output : ""),
  );
  return {
    json: JSON.stringify(events.map(listed)),
    ...(next !== undefined && { headers: { link: `<?after=${next}>; rel="next"` } }),
  };
}

/** An event by the names that public clients know, and the whole of it. */
function listed(event: TaskEvent): object {
  const { seq, taskId, timestampMs, event: said } = event;
  const whole = toJson(TaskEventSchema, event, { useProtoFieldName: true, alwaysEmitImplicit: true });
  const isRun = said.case === "runEvent";
  const runId = said.case !== undefined && "runId" in said.value ? said.value.runId : "";
  const metadata = said.case !== undefined && "metadata" in said.value ? said.value.metadata : {};
  return {
    seq: Number(seq),
    id: (isRun && said.value.id) || String(seq),
    run_id: runId,
    task_id: taskId,
    event_type: isRun
      ? typeOf(said.value)
      : (said.case ?? "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    timestamp_ms: Number(timestampMs),
    metadata,
    event: whole,
  };
}

function typeOf({ eventType, name }: { readonly eventType: number; readonly name: string }): string {
  if (name !== "") return name;
  const known = RunEventTypeSchema.values.find(({ number }) => number === eventType);
  return known?.localName.toLowerCase() ?? String(eventType);
}

/**
 * The output of one Run: of the first that has any, unless another one is asked for. Which one that is the first page says: a later one
 * does not know what was before it, and is asked for by `run_id`, which is empty while no Run has been found.
 */
async function readOutput(request: RestRequest, call: Call): Promise<RestAnswer> {
  const parameters = parametersOf(request, ["after", "run_id"]);
  const [after, wanted] = [parameters.maybe("after"), parameters.maybe("run_id")];
  if (wanted === undefined && after !== undefined && seqOf(after) > 0) throw runMissing();
  const { task, entries, next } = await pageOf(request, after, call);
  const chunks = entries.filter((entry) => entry.type === "output");
  const runId = wanted || chunks[0]?.runId;
  const texts = chunks.filter((chunk) => chunk.runId === runId).map(({ content }) => content);
  const answer = {
    task_id: task.id,
    run_id: runId ?? null,
    output: texts.length === 0 ? null : texts.join(""),
    next_after: next ?? null,
  };
  const more = new URLSearchParams({ after: String(next), run_id: runId ?? "" });
  return {
    json: JSON.stringify(answer),
    ...(next !== undefined && { headers: { link: `<?${more}>; rel="next"` } }),
  };
}

function runMissing(): Fault {
  const message =
    "after is past the begin of the log, and run_id does not say of which Run: send that of the page before, or an empty one if it was null.";
  return new Fault("invalid", message, { field: "run_id", reason: "PARAMETER_MISSING" });
}

async function pageOf({ params }: RestRequest, after: string | undefined, call: Call): Promise<LogPage> {
  const input = { id: params.id ?? "", ...(after !== undefined && { afterSeq: seqOf(after) }) };
  try {
    return await run(readLog, input, call);
  } catch (error) {
    throw named(error, "after");
  }
}

/** The parameters of the query but the token, which has been looked at. @throws {Fault} `invalid` */
function parametersOf({ query }: RestRequest, names: readonly string[]): Parameters {
  return new Parameters(
    [...query].filter(([name]) => name !== WATCH_TOKEN),
    names,
  );
}

function seqOf(text: string): number {
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  const message = `after is ${JSON.stringify(text.slice(0, 64))}: send the seq of the last event seen, or 0.`;
  throw new Fault("invalid", message, { field: "after", reason: "CURSOR_INVALID" });
}

const outputDocumentation = {
  ...{ summary: "The text that the agent of a Task has put out", tag: "Task" },
  description:
    "About 2 MiB of the log are looked at for one answer; `next_after` says where the next one begins. The header `Link` names it, with the `run_id` of this one, so that all are of the same Run.",
  path: { id: "The Task's." },
  parameters: [
    {
      name: "run_id",
      in: "query",
      description:
        "Of this Run. Default, and if it is empty: of the first that has put out anything. Needed beside an `after` that is not 0: that of the answer before, empty if it is null.",
    },
    {
      ...{ name: "after", in: "query", schema: { type: "integer", minimum: 0 } },
      description: "Only what follows this seq of the log: `next_after` of the answer before.",
    },
  ],
  answers: {
    200: {
      description: "The text; null if there is none.",
      schema: {
        type: "object",
        required: ["task_id", "run_id", "output", "next_after"],
        properties: {
          task_id: { type: "string" },
          run_id: { type: ["string", "null"] },
          output: { type: ["string", "null"] },
          next_after: { type: ["integer", "null"] },
        },
      },
      example: {
        task_id: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f01",
        run_id: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f05",
        output: "Hello Ada\n",
        next_after: null,
      },
    },
  },
} as const satisfies RestOperation["documentation"];
