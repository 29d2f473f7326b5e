import { unknownName } from "#domain/option-names";
import type {
  BatchOptions,
  CompensationOptions,
  MapOptions,
  NamedChildOptions,
  OverrideOptions,
  RetryOptions,
  Schema,
  SignalOptions,
  StepOptions,
  TimerOptions,
  WorkflowOptions,
} from "./options.js";

/*
 * The names that options of a workflow may have: any other would have no effect, although its author expects one, for
 * example `dependencies`, which is how the format itself calls `after`.
 */

type Names<Options> = Readonly<Record<keyof Options, true>>;

const override: Names<OverrideOptions> = { config: true, retry: true, timeoutSeconds: true };
const timer: Names<TimerOptions> = {
  description: true,
  after: true,
  compensate: true,
  undo: true,
  delayMs: true,
};
const { delayMs: _, ...ordered } = timer;
const step: Names<StepOptions<Schema>> = { ...ordered, ...override, agent: true, result: true, input: true };
const map: Names<MapOptions<Schema, string>> = { ...step, over: true, concurrency: true, onFailure: true };
const batch: Names<BatchOptions> = {
  ...step,
  worker: true,
  batchSize: true,
  parallelism: true,
  cursorField: true,
  onFailure: true,
};
const worker: Names<BatchOptions["worker"]> = { ...step, name: true };
const child: Names<NamedChildOptions<Schema>> = {
  ...ordered,
  agent: true,
  template: true,
  input: true,
  result: true,
};
const signal: Names<SignalOptions<Schema>> = {
  ...ordered,
  signal: true,
  timeoutMs: true,
  otherwise: true,
  result: true,
};
const compensation: Names<CompensationOptions> = { ...override, description: true, agent: true, input: true };
const retry: Names<RetryOptions> = {
  retryable: true,
  maxAttempts: true,
  maxLosses: true,
  backoff: true,
  baseMs: true,
  maxMs: true,
  jitter: true,
};
const workflow: Names<WorkflowOptions<Schema>> = {
  namespace: true,
  version: true,
  description: true,
  metadata: true,
  input: true,
  identity: true,
  identityWindowSeconds: true,
  maxDurationMinutes: true,
  holdOnFailure: true,
  environments: true,
};

const all = { override, timer, step, map, batch, worker, child, signal, compensation, retry, workflow };

/**
 * Checks the names of options.
 *
 * @param owner begins the message: `step charge`
 * @throws {RangeError} if they are no object, or have a name that there is not
 */
export function checkNames(options: unknown, kind: keyof typeof all, owner: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new RangeError(`${owner} needs options, an object`);
  }
  const known = Object.keys(all[kind]);
  const unknown = unknownName(options, known);
  if (unknown === undefined) return;
  const [word = "", here = ""] =
    Object.entries(ofFormat).find(([word, here]) => word in options && known.includes(here)) ?? [];
  const problem = word === "" ? unknown : `has no ${word}; in code that is ${here}.`;
  throw new RangeError(`${owner}: ${kind === "retry" ? "retry" : "options"} ${problem}`);
}

/** How the format calls what options call otherwise. */
const ofFormat = {
  dependencies: "after",
  depends_on: "after",
  dependsOn: "after",
  callable: "agent",
  initialization: "config",
  result_schema: "result",
  failure_strategy: "onFailure",
  default: "otherwise",
  backoff_base_ms: "baseMs",
  max_backoff_ms: "maxMs",
};
