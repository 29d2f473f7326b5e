import type { Json, JsonObject } from "../json/json.js";
import type { Instant } from "../time/time.js";

/** The types of Steps. A Task that names an agent has one standard Step. */
export const stepTypes = [
  "standard",
  "decision",
  "deferred_convergence",
  "batchable",
  "batch_worker",
  "map",
  "child_task",
  "timer",
  "signal",
] as const;
export type StepType = (typeof stepTypes)[number];

/** What a failed member does: end the Task at once, be ignored, or fail the Task when the other members are done. */
export const failureStrategies = ["fail_fast", "continue_on_failure", "isolate"] as const;
export type FailureStrategy = (typeof failureStrategies)[number];

export const identityStrategies = ["always_unique", "strict", "caller_provided"] as const;
export type IdentityStrategy = (typeof identityStrategies)[number];

/** Identifies one version of a template; an empty version means the newest. */
export interface TemplateRef {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}

/** A registered template. Immutable: a reference always has the same body. */
export interface TemplateRow extends TemplateRef {
  readonly body: TemplateBody;
  /** The text with which it was registered, unchanged. */
  readonly source: string;
  /** SHA-256 of the canonical body, which decides whether two templates are the same. */
  readonly digest: string;
  readonly registeredAt: Instant;
}

/** How long a Task of a template may rest before somebody should look at it, where it differs from the server's settings. */
export interface StaleMinutes {
  readonly max_waiting_for_dependencies_minutes?: number;
  readonly max_waiting_for_retry_minutes?: number;
  readonly max_steps_in_process_minutes?: number;
}

/**
 * A validated template, with the names and the order of its YAML. Parts that were left out are absent; `plan.ts` has
 * the defaults. Keys that the format does not know are kept. Values that the format does not describe, such as
 * `initialization`, keep the digits of their numbers: see `json/exact.ts`.
 */
export interface TemplateBody {
  readonly name: string;
  readonly namespace_name: string;
  readonly version: string;
  readonly description?: string;
  readonly metadata?: JsonObject;
  readonly system_dependencies?: JsonObject;
  readonly domain_events?: readonly JsonObject[];
  /** JSON Schema 2020-12 of the Task's input. */
  readonly input_schema?: JsonObject;
  readonly steps: readonly TemplateStep[];
  readonly environments?: Readonly<Record<string, { readonly steps?: readonly StepOverride[] }>>;
  readonly lifecycle?: JsonObject & StaleMinutes & { readonly max_duration_minutes?: number };
  readonly identity_strategy?: IdentityStrategy;
  /** How long the same work is not run again; for as long as the Task is kept if left out. */
  readonly identity_window_seconds?: number;
  /** True if the Task waits for an operator when a Step fails for good, instead of ending. */
  readonly hold_on_failure?: boolean;
}

export interface TemplateStep {
  readonly name: string;
  readonly description?: string;
  readonly type?: StepType;
  readonly handler?: TemplateHandler;
  readonly system_dependency?: string;
  readonly dependencies?: readonly string[];
  /** What its agent is given in place of the Task's input: constants, and references to the Task's data. */
  readonly input?: JsonObject;
  readonly retry?: TemplateRetry;
  /** Of one attempt. */
  readonly timeout_seconds?: number;
  /** Of another system; without effect. */
  readonly lifecycle?: JsonObject;
  readonly publishes_events?: readonly JsonObject[];
  readonly batch_config?: TemplateBatch;
  readonly result_schema?: JsonObject;
  readonly composition?: JsonObject;
  /** The step that compensates this one. It runs only for that, in a Task of its own. */
  readonly compensate?: string;
  readonly map?: TemplateMap;
  readonly child?: TemplateChild;
  readonly timer?: { readonly delay_ms: number };
  readonly signal?: TemplateSignal;
}

export interface TemplateHandler {
  /** The agent's name. */
  readonly callable: string;
  readonly method?: string;
  readonly resolver?: string;
  /** Passed to the agent as `config` in its input. */
  readonly initialization?: JsonObject;
}

export interface TemplateRetry {
  readonly retryable?: boolean;
  /** Total number of attempts. */
  readonly max_attempts?: number;
  /** How many Runs may be lost with their worker. */
  readonly max_losses?: number;
  readonly backoff?: "none" | "linear" | "exponential" | "fibonacci";
  readonly backoff_base_ms?: number;
  readonly max_backoff_ms?: number;
  /** The random share of the delay, 0 to 1. */
  readonly jitter?: number;
  /** Another system's words for `max_attempts`, and, in seconds, for `backoff_base_ms` and `max_backoff_ms`. */
  readonly limit?: number;
  readonly initial_delay?: number;
  readonly max_delay?: number;
}

export interface TemplateBatch {
  /** The largest number of items that a batch may have. */
  readonly batch_size?: number;
  /** How many members run at a time. */
  readonly parallelism?: number;
  readonly cursor_field?: string;
  readonly worker_template?: string;
  readonly failure_strategy?: FailureStrategy;
}

export interface TemplateMap {
  /** The place of the list: `input/urls`, or `results/STEP/items`; a path of names and indexes. */
  readonly over: string;
  readonly concurrency?: number;
  readonly failure_strategy?: FailureStrategy;
}

/** A Step that starts a child Task, of an agent or of a template. */
export interface TemplateChild {
  readonly agent?: string;
  readonly template?: { readonly namespace?: string; readonly name: string; readonly version?: string };
  /** The place of its input, as in `map.over`; the whole input if left out. */
  readonly input?: string;
}

export interface TemplateSignal {
  /** Its name for SignalTask; the step's name if left out. */
  readonly name?: string;
  readonly timeout_ms?: number;
  /** The step's result if no signal comes in time; the step fails if left out. */
  readonly default?: Json;
}

/** What an environment overrides of one step, or, under the name ALL, of every step. */
export interface StepOverride {
  readonly name: string;
  readonly handler?: { readonly initialization?: JsonObject };
  readonly timeout_seconds?: number;
  readonly retry?: TemplateRetry;
}

/** One string for a {@link TemplateRef}, to key a Map with. */
export function templateKey({ namespace, name, version }: TemplateRef): string {
  return `${namespace}/${name}@${version}`;
}
