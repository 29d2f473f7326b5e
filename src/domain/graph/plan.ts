import type { StepKey } from "../id.js";
import { isJsonObject, type Json, type JsonObject } from "../json/json.js";
import type {
  FailureStrategy,
  IdentityStrategy,
  StepOverride,
  StepType,
  TemplateBody,
  TemplateRef,
  TemplateStep,
} from "../template/template.js";
import { type Millis, millis } from "../time/time.js";
import { batchWorkersOf, type WorkersOfBatches } from "./batch-workers.js";
import { type InputMapping, readMapping } from "./input-mapping.js";
import { inOrder } from "./order.js";
import { planDefaults } from "./plan-defaults.js";
import { inOwnWords, type OpenTries, openTries, type Tries, triesOf } from "./tries.js";

/** The compensation of a Step: runs only to compensate it, in a Task of its own. */
export interface CompensationPlan extends Tries {
  readonly name: string;
  readonly agentName: string;
  readonly config: JsonObject | null;
  readonly input?: InputMapping;
}

export interface BatchPlan {
  /** The step that does its batches, unless the result names one of `others`. */
  readonly workerTemplate: string;
  /** Largest number of items that a batch may say it has; 0 is no limit. */
  readonly batchSize: number;
  readonly parallelism: number;
  readonly cursorField: string;
  readonly failure: FailureStrategy;
  /** Other steps that may do its batches, if the template does not say which one does. */
  readonly others?: readonly BatchPlan[];
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

/**
 * A part of the list of a map that has more items than its Task may have Steps. Each part is a Task of its own, which has
 * the map again with the items of the part.
 */
export interface Segment {
  /** The index of its first item in the list of the whole map, from 0. */
  readonly first: number;
  readonly count: number;
  /** Digits of the largest index in the whole map, by which the names of all members have one length. */
  readonly digits: number;
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
  /** What its agent, or its child Task, is given in place of the Task's input. */
  readonly input?: InputMapping;
  /** True if its results are validated by a schema of the template. */
  readonly hasSchema?: boolean;
  readonly compensation?: CompensationPlan;
  readonly batch?: BatchPlan;
  readonly map?: MapPlan;
  /** Of a map, and of the Step in the Task above whose child has that map: the items that it goes over. */
  readonly segment?: Segment;
  readonly child?: ChildPlan;
  readonly delayMs?: Millis;
  readonly signal?: SignalPlan;
  readonly member?: Membership;
  /** The Step of another Task that this one compensates, and why. */
  readonly compensates?: StepKey & {
    readonly error: string;
    /** True if it is seen only when this Step may begin whether there is anything to compensate. */
    readonly isUnsure?: boolean;
  };
}

/** A step of a plan, from which Steps of Tasks are created. */
export interface StepPlan {
  readonly name: string;
  /** Empty if it needs no worker. */
  readonly agentName: string;
  readonly dependsOn: readonly string[];
  readonly spec: StepSpec;
  readonly resultSchema: JsonObject | null;
  /** What the template leaves to the agent's announcement, of the step and of what compensates it; absent if nothing. */
  readonly open?: OpenTries;
  readonly openCompensation?: OpenTries;
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

/** Makes a plan of a template that has passed validation. */
export function planOf(body: TemplateBody, environment: string): Plan {
  const overrides = body.environments?.[environment]?.steps ?? [];
  const steps = body.steps.map((step) => overridden(step, overrides));
  const byName = new Map(steps.map((step) => [step.name, step]));
  const compensating = new Set(steps.flatMap(({ compensate }) => compensate ?? []));
  const workers = batchWorkersOf(steps);
  const planned = inOrder(steps, workers)
    .filter(({ name }) => !compensating.has(name))
    .map((step) => stepPlan(step, byName, workers));
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
    ...(retry && { retry: { ...inOwnWords(step.retry), ...inOwnWords(retry) } }),
  };
}

function stepPlan(
  step: TemplateStep,
  byName: ReadonlyMap<string, TemplateStep>,
  workers: WorkersOfBatches,
): StepPlan {
  const { name, type = "standard", handler, child, compensate } = step;
  const compensation = compensate === undefined ? undefined : byName.get(compensate);
  const spec: StepSpec = {
    type,
    planned: name,
    config: handler?.initialization ?? null,
    ...mappingOf(step),
    ...triesOf(step),
    ...(step.result_schema && { hasSchema: true }),
    ...(compensation && { compensation: compensationPlan(compensation) }),
    ...(type === "batchable" && { batch: batchPlan(step, byName, workers) }),
    ...(step.map && { map: mapPlan(step.map) }),
    ...(child && { child: childPlan(child) }),
    ...(step.timer && { delayMs: millis(step.timer.delay_ms) }),
    ...(type === "signal" && { signal: signalPlan(step) }),
  };
  const open = openTries(step);
  const openCompensation = compensation && openTries(compensation);
  return {
    name,
    agentName: handler?.callable ?? "",
    dependsOn: step.dependencies ?? [],
    spec,
    resultSchema: step.result_schema ?? null,
    ...(open && { open }),
    ...(openCompensation && { openCompensation }),
  };
}

/** The `input` of a template of another system, registered before this one had the key, may be anything. */
function mappingOf({ input }: TemplateStep): { readonly input?: InputMapping } {
  return isJsonObject(input) ? { input: readMapping(input).mapping } : {};
}

function compensationPlan(step: TemplateStep): CompensationPlan {
  const { name, handler } = step;
  return {
    name,
    agentName: handler?.callable ?? "",
    config: handler?.initialization ?? null,
    ...mappingOf(step),
    ...triesOf(step),
  };
}

/** What the batch does not say is said by its worker, where another system writes it. */
function batchPlan(
  { name, batch_config: own }: TemplateStep,
  byName: ReadonlyMap<string, TemplateStep>,
  workers: WorkersOfBatches,
): BatchPlan {
  const [first = "", ...others] = workers.get(name) ?? [];
  const planWith = (workerTemplate: string): BatchPlan => {
    const batch = { ...byName.get(workerTemplate)?.batch_config, ...own };
    return {
      workerTemplate,
      // What a worker says of its size is for its agents: batches are cut by what the batch itself is told.
      batchSize: own ? (own.batch_size ?? planDefaults.batchSize) : 0,
      parallelism: batch.parallelism ?? planDefaults.parallelism,
      cursorField: batch.cursor_field ?? planDefaults.cursorField,
      failure: batch.failure_strategy ?? planDefaults.failure,
    };
  };
  return { ...planWith(first), ...(others.length > 0 && { others: others.map(planWith) }) };
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
