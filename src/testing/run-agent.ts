import { setMaxListeners } from "node:events";
import type { JsonObject } from "#domain/json/json";
import { optionsOf, shown } from "#embedded/values";
import { limits } from "#limits/index";
import { onAbort } from "#transport/on-abort";
import { RunStopped } from "#worker/agent/error";
import { inWords } from "#worker/agent/in-words";
import { jsonOf } from "#worker/agent/json-of";
import { isLog } from "#worker/agent/log";
import { servedAgents } from "#worker/agent/served-agent";
import { Yielded } from "#worker/agent/yielded";
import type { Agent, BatchPart, CheckpointPart, CompensatePart } from "#worker/index";
import { after } from "#worker/timers";
import { recordingContext } from "./agent-recorder.js";
import type { AgentRun, RunAgentOptions } from "./agent-run.js";

const names = [
  ...["signal", "results", "config", "checkpoint", "item", "index", "batch", "compensate", "attempt"],
  ...["deadline", "labels", "failedDependencies", "stepName", "log", "journal", "signals", "children"],
] as readonly (keyof RunAgentOptions & string)[];

/**
 * Runs an agent once, without a plane: with the checks of its input and result, and with a context that records what it
 * does. Nothing is faked that is not a connection: limits, texts and errors are those of a worker.
 *
 * @throws what the agent throws, as it is
 * @throws {AgentError} if input or result do not fit the agent
 * @throws {RunStopped} if it returns although it was stopped: its result would be dropped
 * @throws {TypeError | RangeError} naming the option that is wrong
 *
 * @example
 * ```ts
 * import assert from "node:assert";
 * import { runAgent } from "taskrun/testing";
 * import { agent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const greet = agent({
 *   name: "greet",
 *   input: z.object({ name: z.string() }),
 *   async *run({ name }) {
 *     yield "thinking …";
 *     return { greeting: `Hello, ${name}!` };
 *   },
 * });
 * const { result, output } = await runAgent(greet, { name: "Ada" });
 * assert.equal(result.greeting, "Hello, Ada!");
 * assert.equal(output, "thinking …");
 * ```
 */
export async function runAgent<Name extends string, Input, Result>(
  agent: Agent<Name, Input, Result>,
  input: NoInfer<Input>,
  options: RunAgentOptions = {},
): Promise<AgentRun<Result>> {
  const given = checkedOptions(options);
  servedAgents([agent]);
  const aborter = new AbortController();
  setMaxListeners(limits.waitsPerRun, aborter.signal); // as in a worker
  const stop = (cause: "cancelled" | "deadline", detail: string) =>
    aborter.abort(new RunStopped(cause, detail));
  const cancel = () => stop("cancelled", "the test has aborted the run");
  const forget = onAbort(given.signal, cancel);
  const leftMs = given.deadline === undefined ? undefined : given.deadline.getTime() - Date.now();
  const unlimit =
    leftMs === undefined ? () => {} : after(leftMs, () => stop("deadline", "the task's time is up"));
  const inputJson = inputText(input, given);
  const { ctx, record } = recordingContext(agent.name, inputJson, given, aborter);
  try {
    const returned = await Promise.race([agent.perform(inputJson, ctx), record.failed]);
    aborter.signal.throwIfAborted();
    const isYielded = returned instanceof Yielded;
    await record.journal()?.conclude(isYielded);
    const json = isYielded ? "" : jsonOf(returned, "result");
    return {
      result: (json === "" ? undefined : JSON.parse(json)) as Result,
      output: record.output(),
      events: record.events,
      yielded: isYielded ? partOf(returned) : undefined,
      journal: record.journal()?.records ?? [],
      usage: record.journal()?.usage ?? [],
      backendUsed: record.backend(),
    };
  } finally {
    record.journal()?.close();
    unlimit();
    forget();
  }
}

function partOf({ cursorJson, outputJson }: Yielded): CheckpointPart {
  return { cursor: JSON.parse(cursorJson), output: outputJson === "" ? null : JSON.parse(outputJson) };
}

function checkedOptions(options: RunAgentOptions): RunAgentOptions {
  const given = optionsOf(options, "options", names);
  const { attempt = 1, deadline, signal, results = {} } = given;
  if (!Number.isSafeInteger(attempt) || attempt < 1) {
    throw new RangeError(`attempt is ${shown(attempt)}: send a whole number from 1.`);
  }
  if (deadline !== undefined && !(deadline instanceof Date && Number.isFinite(deadline.getTime()))) {
    throw new TypeError(`deadline is ${shown(deadline)}: send a Date.`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is ${shown(signal)}: send an AbortSignal.`);
  }
  if (typeof results !== "object" || results === null || Array.isArray(results)) {
    throw new TypeError(`results is ${shown(results)}: send an object with a result for each step.`);
  }
  for (const name of [
    "config",
    "checkpoint",
    "batch",
    "compensate",
    "labels",
    "signals",
    "children",
  ] as const) {
    const value: unknown = given[name];
    if (value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value)))
      continue;
    throw new TypeError(`${name} is ${shown(value)}: send an object.`);
  }
  const { failedDependencies = [], stepName = "", log, journal = [] } = given;
  if (!Array.isArray(journal)) throw new TypeError(`journal is ${shown(journal)}: send that of another run.`);
  if (!Array.isArray(failedDependencies)) {
    throw new TypeError(`failedDependencies is ${shown(failedDependencies)}: send a list of names of steps.`);
  }
  if (typeof stepName !== "string") throw new TypeError(`stepName is ${shown(stepName)}: send a name.`);
  if (log !== undefined && !isLog(log)) {
    throw new TypeError(`log is ${shown(log)}: send an object with debug, info, warn and error.`);
  }
  return given;
}

/** The input with the parts that a plane adds to it. */
function inputText(input: unknown, given: RunAgentOptions): string {
  const parts = {
    ...(given.config !== undefined && { config: given.config }),
    ...("item" in given && { item: given.item }),
    ...(given.index !== undefined && { index: given.index }),
    ...(given.checkpoint !== undefined && {
      checkpoint: { output: null, cursor: null, ...given.checkpoint },
    }),
    ...(given.batch !== undefined && { batch: batchPart(given.batch) }),
    ...(given.compensate !== undefined && { compensate: compensatePart(given.compensate) }),
  };
  const whole = input === undefined ? {} : input;
  const added = Object.keys(parts);
  if (added.length === 0) return textOf(whole);
  if (typeof whole !== "object" || whole === null || Array.isArray(whole)) {
    throw new TypeError(
      `the option ${added[0]} is part of an input that is an object; this one is ${shown(whole)}.`,
    );
  }
  return textOf({ ...whole, ...parts });
}

function textOf(input: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(input);
  } catch (cause) {
    throw new TypeError(`input cannot be written as JSON: ${inWords(cause)}`, { cause });
  }
  if (json === undefined) throw new TypeError(`input is ${shown(input)}, of which JSON can say nothing.`);
  if (Buffer.byteLength(json) <= limits.resultBytes) return json;
  throw new RangeError(`input is over ${limits.resultBytes} bytes of JSON, which no request may have.`);
}

function batchPart(batch: Partial<BatchPart>): JsonObject {
  return {
    batch_id: batch.batchId ?? "batch-1",
    start_cursor: (batch.startCursor ?? 0) as number,
    end_cursor: (batch.endCursor ?? 0) as number,
    ...(batch.batchSize !== undefined && { batch_size: batch.batchSize }),
    cursor_field: batch.cursorField ?? "id",
    ...(batch.totalItems !== undefined && { total_items: batch.totalItems }),
    failure_strategy: batch.failureStrategy ?? "fail_fast",
    is_no_op: batch.isNoOp ?? false,
  };
}

function compensatePart({
  taskId = "task-1",
  step = "step",
  result = null,
  error = "",
}: Partial<CompensatePart>) {
  return { task_id: taskId, step, result, error };
}
