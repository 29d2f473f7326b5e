import { outputBytes, outputLimit } from "#domain/task/report";
import { limits } from "#limits/index";
import type { Log, LogFields } from "#ports/telemetry";
import { AgentError, OutputLimitError } from "#worker/agent/error";
import { jsonOf } from "#worker/agent/json-of";
import type { AgentContext, Backend } from "#worker/index";
import { contextFor } from "#worker/run/context";
import { AgentJournal } from "./agent-journal.js";
import type { AgentRecord, RunAgentOptions } from "./agent-run.js";

/** What an agent has done. */
export interface Recorded {
  /** Rejects when the journal ends the Run, whatever its agent does. */
  readonly failed: Promise<never>;
  /** Of its durable steps, from the first one on. */
  journal(): AgentJournal | undefined;
  readonly events: readonly AgentRecord[];
  output(): string;
  backend(): Backend | undefined;
}

const levels = ["debug", "info", "warn", "error"] as const satisfies readonly (keyof Log)[];

/** The context of an agent that runs without a plane: a worker's, whose messages are recorded in place of being sent. */
export function recordingContext(
  agentName: string,
  inputJson: string,
  options: RunAgentOptions,
  aborter: AbortController,
): { readonly ctx: AgentContext; readonly record: Recorded } {
  const { signal } = aborter;
  const { results = {}, failedDependencies = [], labels = {}, attempt = 1, stepName = "main" } = options;
  const events: AgentRecord[] = [];
  let backend: Backend | undefined;
  let journal: AgentJournal | undefined;
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // who runs the agent hears of it
  const durable = (): AgentJournal => {
    journal ??= new AgentJournal(options, aborter, (kind, metadata) => ctx.event(kind, metadata), fail);
    return journal;
  };
  let spent = 0;
  const spend = (bytes: number) => {
    spent += bytes;
    if (spent > limits.runOutputBytes) throw new OutputLimitError(outputLimit);
  };
  const base = contextFor(
    {
      runId: "run-1",
      taskId: "task-1",
      ...{ stepName, agentName, inputJson, labels, attempt, failedDependencies },
      ...{ inputRef: undefined, inputPartsJson: "", fence: attempt, resultRefs: [], journalRecords: 0 },
      deadlineMs: options.deadline?.getTime() ?? 0,
      results: Object.fromEntries(
        Object.entries(results).map(([name, result]) => [name, jsonOf(result, `option results.${name}`)]),
      ),
    },
    {
      signal,
      log: recordingLog(events, options.log),
      wall: () => Date.now(),
      write: async (text, metadata) => {
        signal.throwIfAborted();
        spend(outputBytes(text, metadata));
        if (text !== "" || Object.keys(metadata).length > 0) events.push({ type: "output", text, metadata });
      },
      note: (_, bytes) => {
        if (!signal.aborted) spend(bytes);
      },
      backendUsed: (used) => {
        backend = used;
      },
      fetchResult: async (name) => {
        const message = `the step does not depend on "${name}": give its result in the option results`;
        throw new AgentError(message, { retryable: false });
      },
      durable: () => durable().calls,
    },
  );
  const ctx = recorded(base, events);
  if (options.journal?.length) durable(); // it may be that the agent does not ask for it
  return {
    ctx,
    record: {
      failed,
      journal: () => journal,
      events,
      output: () => outputOf(events),
      backend: () => backend,
    },
  };
}

/** The context, with its notes recorded as they were given, once they are found right. */
function recorded(base: AgentContext, events: AgentRecord[]): AgentContext {
  const note = (record: AgentRecord) => {
    if (!base.signal.aborted) events.push(record);
  };
  return Object.defineProperties({} as AgentContext, {
    ...Object.getOwnPropertyDescriptors(base),
    event: {
      enumerable: true,
      value: (...[kind, metadata = {}]: Parameters<AgentContext["event"]>) => {
        base.event(kind, metadata);
        note({ type: "event", kind, metadata: { ...metadata } });
      },
    },
    chat: {
      enumerable: true,
      value: (...[role, content]: Parameters<AgentContext["chat"]>) => {
        base.chat(role, content);
        note({ type: "chat", role, content });
      },
    },
  });
}

function recordingLog(events: AgentRecord[], others: Log | undefined): Log {
  const write = (level: keyof Log) => (message: string, fields?: LogFields) => {
    events.push({ type: "log", level, message, fields: fields ?? {} });
    others?.[level](message, fields);
  };
  return Object.fromEntries(levels.map((level) => [level, write(level)])) as unknown as Log;
}

function outputOf(events: readonly AgentRecord[]): string {
  return events.map((event) => (event.type === "output" ? event.text : "")).join("");
}
