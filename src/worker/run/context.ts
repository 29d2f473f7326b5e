import { chatBytes, eventBytes } from "#domain/task/report";
import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/task/task";
import type { Log } from "#ports/telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import { backendOf, chatOf, eventOf, labelsOf, speakerOf, textOf } from "../agent/checks.js";
import type { AgentContext } from "../agent/context.js";
import type { CallOptions, DurableContext } from "../agent/durable.js";
import { resultsFor } from "../agent/results.js";
import { StepInput } from "../agent/step-input.js";
import { Yielded } from "../agent/yielded.js";
import { chat, event, ownName } from "../protocol/frames.js";
import type { Assignment } from "./assignment.js";

/** What {@link contextFor} needs of the Run. */
export interface RunVoice {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Unix milliseconds by this machine's clock. */
  wall(): number;
  write(text: string, metadata: Labels): Promise<void>;
  /** @param bytes how much it counts against the Run's limit of output */
  note(content: RunClientMessage, bytes: number): void;
  backendUsed(backend: ModelBackend): void;
  /** Reads another Step's result from the server as JSON text, empty if it has none. */
  fetchResult(stepName: string): Promise<string>;
  /** What keeps the Run's journal; called at each durable step, so that it may be made at the first one. @param tell `ctx.event` */
  durable(tell: AgentContext["event"]): DurableContext;
}

/** Of the most general of the overloads. */
type CallArgs = [agent: string, input: unknown, options?: CallOptions];

/** Makes the context of the assignment's agent. Its functions do not use `this`. */
export function contextFor(assignment: Assignment, voice: RunVoice): AgentContext {
  const { runId, taskId, stepName, attempt, labels, deadlineMs, inputJson, traceparent } = assignment;
  const given = new StepInput(inputJson);
  let events = 0;
  const tell: AgentContext["event"] = (type, metadata = {}) => {
    const kind = eventOf(type);
    const labels = labelsOf(metadata, "event(type, metadata): metadata");
    events += 1;
    const id = `${runId}-${events}`;
    const bytes = eventBytes(id, labels, ownName(kind));
    voice.note(event(assignment, taskId, id, kind, labels, voice.wall()), bytes);
  };

  return {
    runId,
    taskId,
    stepName,
    attempt,
    labels,
    deadline: deadlineMs > 0 ? new Date(deadlineMs) : undefined,
    signal: voice.signal,
    traceparent,
    log: voice.log,
    output: (text, metadata = {}) =>
      voice.write(
        textOf(text, "output(text, metadata): text"),
        labelsOf(metadata, "output(text, metadata): metadata"),
      ),
    event: tell,
    chat: (speaker, text) => {
      const [by, said] = [speakerOf(speaker), chatOf(text)];
      voice.note(chat(assignment, by, said, voice.wall()), chatBytes(said));
    },
    backendUsed: (backend) => voice.backendUsed(backendOf(backend, "backendUsed(backend): backend")),

    ...resultsFor(assignment, (name) => voice.fetchResult(name)),
    get config() {
      return given.config;
    },
    get item() {
      return given.item;
    },
    get index() {
      return given.index;
    },
    get batch() {
      return given.batch;
    },
    get checkpoint() {
      return given.checkpoint;
    },
    get compensate() {
      return given.compensate;
    },
    yield: (cursor, output) => new Yielded(cursor, output),

    step: (...args) => voice.durable(tell).step(...args),
    tool: (...args) => voice.durable(tell).tool(...args),
    sleep: (ms) => voice.durable(tell).sleep(ms),
    waitForSignal: (...args) => voice.durable(tell).waitForSignal(...args),
    call: ((...args: CallArgs) => voice.durable(tell).call(...args)) as DurableContext["call"],
    spawn: ((...args: CallArgs) => voice.durable(tell).spawn(...args)) as DurableContext["spawn"],
    usage: (report) => voice.durable(tell).usage(report),
  };
}
