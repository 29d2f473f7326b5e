import type { Json, JsonObject } from "../json/json.js";
import type { Instant } from "../time/time.js";

/** What a Step can be. A Task that names an agent has one standard Step. */
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

/** What the failure of one of many does: ends the Task at once, is passed over, or fails the Task once the rest is done. */
export const failureStrategies = ["fail_fast", "continue_on_failure", "isolate"] as const;
export type FailureStrategy = (typeof failureStrategies)[number];

export const identityStrategies = ["always_unique", "strict", "caller_provided"] as const;
export type IdentityStrategy = (typeof identityStrategies)[number];

/** Names one version of a template. An empty version asks for the newest. */
export interface TemplateRef {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}

/** A registered template. Immutable: the same reference is the same body for ever. */
export interface TemplateRow extends TemplateRef {
  readonly body: TemplateBody;
  /** The text it was registered with, as it was sent. */
  readonly source: string;
  /** SHA-256 of the canonical body: two templates are the same if theirs are. */
  readonly digest: string;
  readonly registeredAt: Instant;
}

/**
 * A template as its YAML says it, in the same words, checked and in the order written. Parts that were
 * left out stay out; `plan.ts` knows the defaults. Unknown keys of `metadata` are kept.
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
  readonly lifecycle?: JsonObject & { readonly max_duration_minutes?: number };
  readonly identity_strategy?: IdentityStrategy;
  /** After so long the same work may run again; as long as the Task is kept if left out. */
  readonly identity_window_seconds?: number;
  /** A Step that fails for good holds the Task for an operator instead of ending it. */
  readonly hold_on_failure?: boolean;
}

export interface TemplateStep {
  readonly name: string;
  readonly description?: string;
  readonly type?: StepType;
  readonly handler?: TemplateHandler;
  readonly system_dependency?: string;
  readonly dependencies?: readonly string[];
  readonly retry?: TemplateRetry;
  /** Of one attempt. */
  readonly timeout_seconds?: number;
  readonly publishes_events?: readonly JsonObject[];
  readonly batch_config?: TemplateBatch;
  readonly result_schema?: JsonObject;
  readonly composition?: JsonObject;
  /** The step that undoes this one. It runs only then, in a Task of its own. */
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
  /** Given to the agent under `config` in its input. */
  readonly initialization?: JsonObject;
}

export interface TemplateRetry {
  readonly retryable?: boolean;
  /** Total tries. */
  readonly max_attempts?: number;
  readonly backoff?: "none" | "linear" | "exponential" | "fibonacci";
  readonly backoff_base_ms?: number;
  readonly max_backoff_ms?: number;
  /** Share of the delay that chance decides, 0 to 1. */
  readonly jitter?: number;
}

export interface TemplateBatch {
  /** The most one batch may say it holds. */
  readonly batch_size?: number;
  /** Workers at a time. */
  readonly parallelism?: number;
  readonly cursor_field?: string;
  readonly worker_template?: string;
  readonly failure_strategy?: FailureStrategy;
}

export interface TemplateMap {
  /** Where the list is: `input/urls`, or `results/STEP/items`; a path of names and indexes. */
  readonly over: string;
  readonly concurrency?: number;
  readonly failure_strategy?: FailureStrategy;
}

/** A Step that is a Task of its own: of an agent or of a template. */
export interface TemplateChild {
  readonly agent?: string;
  readonly template?: { readonly namespace?: string; readonly name: string; readonly version?: string };
  /** Where its input is, as in `map.over`; the whole input if left out. */
  readonly input?: string;
}

export interface TemplateSignal {
  /** What SignalTask calls it; the step's name if left out. */
  readonly name?: string;
  readonly timeout_ms?: number;
  /** What the step's result is if nobody signals in time; without it the step fails. */
  readonly default?: Json;
}

/** What an environment changes of one step, or, under the name ALL, of every step. */
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
