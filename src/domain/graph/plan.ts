import type { StepKey } from "../id.js";
import type { Json, JsonObject } from "../json/json.js";
import type { RetryPolicy } from "../task/retry.js";
import type {
  FailureStrategy,
  IdentityStrategy,
  StepOverride,
  StepType,
  TemplateBody,
  TemplateRef,
  TemplateRetry,
  TemplateStep,
} from "../template/template.js";
import { type Millis, millis } from "../time/time.js";

/** The attempts of a Step. */
export interface Tries {
  readonly retry: RetryPolicy;
  /** Total number of attempts, at least 1, unless the request says otherwise: see {@link attemptsOf}. */
  readonly maxAttempts: number;
  /** Present if a failure is final, so that there is one attempt whatever else is said. */
  readonly retryable?: false;
  /** Timeout of one attempt; 0 is no limit. */
  readonly timeoutMs: Millis;
}

/** The compensation of a Step: runs only to compensate it, in a Task of its own. */
export interface CompensationPlan extends Tries {
  readonly name: string;
  readonly agentName: string;
  readonly config: JsonObject | null;
}

export interface BatchPlan {
  readonly workerTemplate: string;
  readonly batchSize: number;
  readonly parallelism: number;
  readonly cursorField: string;
  readonly failure: FailureStrategy;
}

export interface MapPlan {
  readonly over: string;
  readonly concurrency: number;
  readonly failure: FailureStrategy;
}

export interface ChildPlan {
  readonly agentName: string;
  readonly template: TemplateRef | null;
  /** The place of its input in the Task's data; empty for the whole input of the Task. */
  readonly input: string;
}

export interface SignalPlan {
  readonly name: string;
  /** How long to wait; 0 waits until the Task's own timeout. */
  readonly timeoutMs: Millis;
  /** The result if no signal comes in time; undefined makes the Step fail. */
  readonly otherwise: Json | undefined;
}

/** The membership of a Step in the batch or map that created it. */
export interface Membership {
  /** The batch or map that created it, which bounds how many of its members run at a time. */
  readonly group: string;
  readonly index: number;
  readonly concurrency: number;
  readonly failure: FailureStrategy;
}

/** What a Step does; written once with its row. Parts that do not apply are absent. */
export interface StepSpec extends Tries {
  readonly type: StepType;
  /** Its name in the template; members of a batch or map have names of their own. */
  readonly planned: string;
  readonly config: JsonObject | null;
  /** True if its results are validated by a schema of the template. */
  readonly hasSchema?: boolean;
  readonly compensation?: CompensationPlan;
  readonly batch?: BatchPlan;
  readonly map?: MapPlan;
  readonly child?: ChildPlan;
  readonly delayMs?: Millis;
  readonly signal?: SignalPlan;
  readonly member?: Membership;
  /** The Step of another Task that this one compensates, and why. */
  readonly compensates?: StepKey & { readonly error: string };
}

/** A step of a plan, from which Steps of Tasks are created. */
export interface StepPlan {
  readonly name: string;
  /** Empty if it needs no worker. */
  readonly agentName: string;
  readonly dependsOn: readonly string[];
  readonly spec: StepSpec;
  readonly resultSchema: JsonObject | null;
}

/** A template prepared for creating Tasks: with its defaults and the overrides of one environment. Immutable. */
export interface Plan {
  readonly template: TemplateRef;
  readonly environment: string;
  /** In an order in which they can run, without compensating steps. */
  readonly steps: readonly StepPlan[];
  readonly inputSchema: JsonObject | null;
  /** Timeout of the whole Task; 0 is no limit. */
  readonly timeoutMs: Millis;
  readonly identity: IdentityStrategy;
  /** How long the same work is not run again; 0 for as long as the Task is kept. */
  readonly identityWindowMs: Millis;
  readonly holdOnFailure: boolean;
  /** True if some Step can be compensated. */
  readonly isCompensable: boolean;
}

/** The defaults of a template. */
export const planDefaults = {
  maxAttempts: 3,
  backoff: "exponential",
  baseMs: millis(1_000),
  maxMs: millis(30_000),
  jitter: 0.1,
  batchSize: 1_000,
  parallelism: 10,
  cursorField: "id",
  concurrency: 10,
  failure: "fail_fast",
} as const;

/** Makes a plan of a template that has passed validation. */
export function planOf(body: TemplateBody, environment: string): Plan {
  const overrides = body.environments?.[environment]?.steps ?? [];
  const steps = body.steps.map((step) => overridden(step, overrides));
  const byName = new Map(steps.map((step) => [step.name, step]));
  const compensating = new Set(steps.flatMap(({ compensate }) => compensate ?? []));
  const planned = inOrder(steps)
    .filter(({ name }) => !compensating.has(name))
    .map((step) => stepPlan(step, byName));
  const { name, namespace_name: namespace, version } = body;

  return {
    template: { namespace, name, version },
    environment,
    steps: planned,
    inputSchema: body.input_schema ?? null,
    timeoutMs: millis((body.lifecycle?.max_duration_minutes ?? 0) * 60_000),
    identity: body.identity_strategy ?? "always_unique",
    identityWindowMs: millis((body.identity_window_seconds ?? 0) * 1_000),
    holdOnFailure: body.hold_on_failure ?? false,
    isCompensable: compensating.size > 0,
  };
}

/** The step with the overrides of the environment: first those for ALL, then those for its name. */
function overridden(step: TemplateStep, overrides: readonly StepOverride[]): TemplateStep {
  const said = ["ALL", step.name].flatMap((name) => overrides.filter((override) => override.name === name));
  return said.reduce(withOverride, step);
}

function withOverride(step: TemplateStep, { handler, timeout_seconds, retry }: StepOverride): TemplateStep {
  const initialization = { ...step.handler?.initialization, ...handler?.initialization };
  return {
    ...step,
    ...(step.handler && { handler: { ...step.handler, initialization } }),
    ...(timeout_seconds !== undefined && { timeout_seconds }),
    ...(retry && { retry: { ...step.retry, ...retry } }),
  };
}

function stepPlan(step: TemplateStep, byName: ReadonlyMap<string, TemplateStep>): StepPlan {
  const { name, type = "standard", handler, child, compensate } = step;
  const compensation = compensate === undefined ? undefined : byName.get(compensate);
  const spec: StepSpec = {
    type,
    planned: name,
    config: handler?.initialization ?? null,
    ...triesOf(step),
    ...(step.result_schema && { hasSchema: true }),
    ...(compensation && { compensation: compensationPlan(compensation) }),
    ...(type === "batchable" && { batch: batchPlan(step) }),
    ...(step.map && { map: mapPlan(step.map) }),
    ...(child && { child: childPlan(child) }),
    ...(step.timer && { delayMs: millis(step.timer.delay_ms) }),
    ...(type === "signal" && { signal: signalPlan(step) }),
  };
  return {
    name,
    agentName: handler?.callable ?? "",
    dependsOn: step.dependencies ?? [],
    spec,
    resultSchema: step.result_schema ?? null,
  };
}

function compensationPlan(step: TemplateStep): CompensationPlan {
  const { name, handler } = step;
  return {
    name,
    agentName: handler?.callable ?? "",
    config: handler?.initialization ?? null,
    ...triesOf(step),
  };
}

function triesOf({ retry = {}, timeout_seconds = 0 }: TemplateStep): Tries {
  const { retryable = true, max_attempts = planDefaults.maxAttempts } = retry;
  return {
    retry: retryPolicy(retry),
    maxAttempts: retryable ? Math.max(1, max_attempts) : 1,
    timeoutMs: millis(timeout_seconds * 1_000),
    ...(!retryable && { retryable: false }),
  };
}

/**
 * How many attempts a Step has. What may not be retried is not: neither a template, nor an environment, nor a request
 * can give it more.
 *
 * @param asked what the request says for every Step; 0 leaves it to the template
 */
export function attemptsOf({ maxAttempts, retryable }: Tries, asked: number): number {
  return retryable !== false && asked > 0 ? asked : maxAttempts;
}

function retryPolicy({ backoff, backoff_base_ms, max_backoff_ms, jitter }: TemplateRetry): RetryPolicy {
  return {
    backoff: backoff ?? planDefaults.backoff,
    base: millis(backoff_base_ms ?? planDefaults.baseMs),
    max: millis(max_backoff_ms ?? planDefaults.maxMs),
    jitter: jitter ?? planDefaults.jitter,
  };
}

function batchPlan({ batch_config: batch = {} }: TemplateStep): BatchPlan {
  return {
    workerTemplate: batch.worker_template ?? "",
    batchSize: batch.batch_size ?? planDefaults.batchSize,
    parallelism: batch.parallelism ?? planDefaults.parallelism,
    cursorField: batch.cursor_field ?? planDefaults.cursorField,
    failure: batch.failure_strategy ?? planDefaults.failure,
  };
}

function mapPlan({ over, concurrency, failure_strategy }: NonNullable<TemplateStep["map"]>): MapPlan {
  return {
    over,
    concurrency: concurrency ?? planDefaults.concurrency,
    failure: failure_strategy ?? planDefaults.failure,
  };
}

function childPlan({ agent = "", template, input = "" }: NonNullable<TemplateStep["child"]>): ChildPlan {
  const named = template && {
    namespace: template.namespace ?? "",
    name: template.name,
    version: template.version ?? "",
  };
  return { agentName: agent, template: named ?? null, input };
}

function signalPlan({ name, signal = {} }: TemplateStep): SignalPlan {
  return {
    name: signal.name ?? name,
    timeoutMs: millis(signal.timeout_ms ?? 0),
    otherwise: signal.default,
  };
}

/**
 * The steps in topological order, the members of a batch after it; otherwise in the order written. Steps of a cycle,
 * which validation refuses, are left out.
 */
export function inOrder(steps: readonly TemplateStep[]): TemplateStep[] {
  const before = new Map(steps.map(({ name, dependencies }) => [name, new Set(dependencies)]));
  for (const { name, batch_config } of steps) before.get(batch_config?.worker_template ?? "")?.add(name);
  const missing = new Map([...before].map(([name, names]) => [name, names.size]));
  const dependants = new Map<string, TemplateStep[]>();
  for (const step of steps) {
    for (const name of before.get(step.name) ?? []) {
      const list = dependants.get(name) ?? [];
      dependants.set(name, list);
      list.push(step);
    }
  }
  const ordered = steps.filter(({ name }) => missing.get(name) === 0);
  for (const { name } of ordered) {
    for (const step of dependants.get(name) ?? []) {
      const left = (missing.get(step.name) ?? 0) - 1;
      missing.set(step.name, left);
      if (left === 0) ordered.push(step);
    }
  }
  return ordered;
}
