import type { Labels } from "#domain/task";
import type { Log } from "#ports/telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext, Backend } from "./agent-context.js";
import type { Assignment } from "./assignment.js";
import { checkChat, checkMetadata } from "./checks.js";
import { chat, event } from "./frames.js";
import { Given } from "./given.js";
import { resultsFor } from "./results.js";
import { Yielded } from "./yielded.js";

/** How a run acts for its agent. */
export interface RunVoice {
  readonly signal: AbortSignal;
  readonly log: Log;
  write(text: string, metadata: Labels): Promise<void>;
  note(content: RunClientMessage): void;
  backendUsed(backend: Backend): void;
  /** The result of another step as JSON text, from the plane; empty if it has none. */
  fetchResult(stepName: string): Promise<string>;
}

/** What the agent of this assignment is given. Its functions may be taken out of it and called alone. */
export function contextFor(assignment: Assignment, voice: RunVoice): AgentContext {
  const { runId, taskId, stepName, attempt, labels, deadlineMs, inputJson } = assignment;
  const given = new Given(inputJson);
  let events = 0;

  return {
    runId,
    taskId,
    stepName,
    attempt,
    labels,
    deadline: deadlineMs > 0 ? new Date(deadlineMs) : undefined,
    signal: voice.signal,
    log: voice.log,
    output: (text, metadata = {}) => {
      checkMetadata(metadata);
      return voice.write(text, metadata);
    },
    event: (type, metadata = {}) => {
      checkMetadata(metadata);
      events += 1;
      voice.note(event(assignment, taskId, `${runId}-${events}`, type, metadata));
    },
    chat: (speaker, text) => {
      checkChat(text);
      voice.note(chat(assignment, speaker, text));
    },
    backendUsed: (backend) => voice.backendUsed(backend),

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
  };
}
