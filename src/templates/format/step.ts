import { planDefaults } from "#domain/graph/plan-defaults";
import { backoffs } from "#domain/task/retry";
import {
  failureStrategies,
  type StepOverride,
  type StepType,
  stepTypes,
  type TemplateStep,
} from "#domain/template/template";
import { VERSION_LENGTH_MAX, versionPattern } from "#domain/template/version";
import { limits } from "#limits/index";
import {
  always,
  anyJson,
  anyObject,
  choice,
  type Field,
  type Fields,
  flag,
  fraction,
  jsonSchema,
  listOf,
  namedAny,
  record,
  text,
  whole,
} from "./shape.js";

export const PROSE = text(limits.proseBytes);
export const WORD = text(limits.idBytes);

export const stepName = text(128, {
  pattern: "^(?!ALL$)[A-Za-z0-9_.-]+$",
  says: 'made of letters, digits, "_", "-" and "." alone, and other than ALL',
  code: "BAD_NAME",
});

export const version = text(VERSION_LENGTH_MAX, {
  pattern: versionPattern,
  says: "a semantic version such as 1.4.0 or 2.0.0-rc.1",
  code: "BAD_VERSION",
});

const agentName = text(limits.idBytes, {
  pattern: "\\S",
  says: "the name of an agent",
  code: "EMPTY_CALLABLE",
});

const timeoutSeconds: Field = {
  shape: whole(1, limits.stepWaitMost / 1_000),
  says: "How long one attempt may take, in seconds; for a map, one of each member. No limit if left out.",
};

const failureStrategy: Field = {
  shape: choice(failureStrategies),
  default: planDefaults.failure,
  says: "What the failure of one member does: fail_fast ends the Task, continue_on_failure passes it over, isolate passes it over and fails the Task once the rest is done.",
};

const retryFields = {
  retryable: {
    shape: flag,
    default: true,
    says: "False: one try, whatever max_attempts says, of the step, its environment or the request.",
  },
  max_attempts: {
    shape: whole(0, limits.maxAttempts),
    default: planDefaults.maxAttempts,
    says: "Total tries; 0 is one try, as 1 is. A request's own max_attempts takes its place.",
  },
  max_losses: {
    shape: whole(0, limits.maxLosses),
    default: planDefaults.maxLosses,
    says: "How many runs may be lost with their worker; a loss is no try, and one more fails the step. 0 if retryable is false and nothing is said here.",
  },
  backoff: {
    shape: choice(backoffs),
    default: planDefaults.backoff,
    says: "How the delay grows from failure to failure: none is no delay, linear grows by the base, exponential doubles, fibonacci is between the two.",
  },
  backoff_base_ms: {
    shape: whole(0, limits.retryAfterMax),
    default: planDefaults.baseMs,
    says: "Delay after the first failure, in milliseconds.",
  },
  max_backoff_ms: {
    shape: whole(0, limits.retryAfterMax),
    default: planDefaults.maxMs,
    says: "What no delay exceeds, in milliseconds. If it is left out, a larger backoff_base_ms takes its place.",
  },
  jitter: {
    shape: fraction(0, 1),
    default: planDefaults.jitter,
    says: "The share of the delay that chance decides.",
  },
  limit: {
    shape: whole(0, limits.maxAttempts),
    says: "As other systems have it: max_attempts, if that is left out.",
    foreign: "taken as max_attempts, unless that is written too",
  },
  initial_delay: {
    shape: fraction(0, limits.retryAfterMax / 1_000),
    says: "As other systems have it, in seconds: backoff_base_ms, if that is left out.",
    foreign: "taken, in seconds, as backoff_base_ms, unless that is written too",
  },
  max_delay: {
    shape: fraction(0, limits.retryAfterMax / 1_000),
    says: "As other systems have it, in seconds: max_backoff_ms, if that is left out.",
    foreign: "taken, in seconds, as max_backoff_ms, unless that is written too",
  },
} satisfies Record<keyof NonNullable<TemplateStep["retry"]>, Field>;

const initialization: Field = {
  shape: anyObject,
  says: "Given to the agent under `config` in its input; it wins over a `config` of the client's.",
};

const handlerFields = {
  callable: { shape: agentName, required: true, says: "The agent's name." },
  method: {
    shape: WORD,
    default: "call",
    says: "Any other than call has no effect yet.",
    hasNoEffect: (value) => value !== "call",
  },
  resolver: { shape: WORD, says: "No effect yet: an agent is found by its name.", hasNoEffect: always },
  initialization,
} satisfies Record<keyof NonNullable<TemplateStep["handler"]>, Field>;

const batchFields = {
  batch_size: {
    shape: whole(1, 100_000),
    default: planDefaults.batchSize,
    says: "The most items one batch may say it holds. On a batch_worker it is for people.",
  },
  parallelism: {
    shape: whole(1, limits.memberConcurrency),
    default: planDefaults.parallelism,
    says: "How many workers may run at a time.",
  },
  cursor_field: {
    shape: WORD,
    default: planDefaults.cursorField,
    says: "What cursors count: passed on to the workers.",
  },
  worker_template: {
    shape: WORD,
    says: "The step of type batch_worker that each batch runs. If left out, the agent names it: see below.",
  },
  failure_strategy: failureStrategy,
} satisfies Record<keyof NonNullable<TemplateStep["batch_config"]>, Field>;

const mapFields = {
  over: {
    shape: WORD,
    required: true,
    says: "Path of the list: `input/urls`, or `results/STEP/items` of a direct dependency.",
  },
  concurrency: {
    shape: whole(1, limits.memberConcurrency),
    default: planDefaults.concurrency,
    says: "How many members may run at a time.",
  },
  failure_strategy: failureStrategy,
} satisfies Record<keyof NonNullable<TemplateStep["map"]>, Field>;

const childTemplateFields: Fields = {
  namespace: { shape: WORD, says: "The Task's own, which it also is if left out." },
  name: { shape: WORD, required: true, says: "The template's name." },
  version: { shape: version, says: "The newest if left out." },
};

const childFields = {
  agent: { shape: agentName, says: "The agent that is to do it. Either this or template." },
  template: {
    shape: record(childTemplateFields),
    says: "The template it is a Task of. Either this or agent.",
  },
  input: { shape: WORD, says: "Path of its input, as in map.over; the Task's whole input if left out." },
} satisfies Record<keyof NonNullable<TemplateStep["child"]>, Field>;

const timerFields = {
  delay_ms: {
    shape: whole(1, limits.stepWaitMost),
    required: true,
    says: "How long it waits once its dependencies are done, in milliseconds.",
  },
} satisfies Record<keyof NonNullable<TemplateStep["timer"]>, Field>;

const signalFields = {
  name: { shape: WORD, says: "What SignalTask calls it; the step's name if left out." },
  timeout_ms: {
    shape: whole(1, limits.stepWaitMost),
    says: "How long it waits for the signal, in milliseconds. As long as the Task may take if left out.",
  },
  default: {
    shape: anyJson,
    says: "Its result if no signal comes in time. Without one the step fails then.",
  },
} satisfies Record<keyof NonNullable<TemplateStep["signal"]>, Field>;

const eventFields: Fields = {
  name: { shape: WORD, required: true, says: "Its name, with dots." },
  description: { shape: PROSE, says: "For people." },
  condition: {
    shape: choice(["success", "failure", "retryable_failure", "permanent_failure", "always"]),
    says: "When it is published.",
  },
  schema: { shape: jsonSchema, says: "What its payload looks like." },
  delivery_mode: { shape: choice(["durable", "fast", "broadcast"]), says: "How it is carried." },
  publisher: { shape: WORD, says: "Who publishes it." },
};

export const stepFields = {
  name: { shape: stepName, required: true, says: "Unique in the template." },
  description: { shape: PROSE, says: "For people." },
  type: {
    shape: choice(stepTypes, "UNKNOWN_STEP_TYPE"),
    default: "standard",
    alias: "step_type",
    says: "What kind of step it is.",
  },
  handler: { shape: record(handlerFields), says: "The agent that does the work." },
  system_dependency: {
    shape: WORD,
    says: "No effect yet: the system that the agent works with.",
    hasNoEffect: always,
  },
  dependencies: {
    shape: listOf(WORD),
    default: [],
    alias: "depends_on",
    says: "Names of the steps it comes after. Their results are sent with it.",
  },
  input: {
    shape: namedAny,
    says: "What its agent is given in place of the Task's input: constants, and { from, at } for parts of the Task's data.",
  },
  retry: { shape: record(retryFields), says: "How it is tried again." },
  timeout_seconds: timeoutSeconds,
  lifecycle: {
    shape: anyObject,
    says: "No effect: timeout_seconds says how long an attempt may take.",
    foreign: "kept and shown, and has no effect: timeout_seconds says how long an attempt may take",
  },
  publishes_events: {
    shape: listOf(record(eventFields)),
    says: "No effect yet: no events are published.",
    hasNoEffect: always,
  },
  batch_config: {
    shape: record(batchFields),
    says: "How a batchable step is cut into batches; may stand on its batch_worker instead.",
  },
  result_schema: {
    shape: jsonSchema,
    says: "JSON Schema 2020-12 of its result, checked when it ends; for a map, of each member's.",
  },
  composition: {
    shape: anyObject,
    says: "No effect yet: the agent that handler names does the work.",
    hasNoEffect: always,
  },
  compensate: {
    shape: WORD,
    says: "Name of the step that compensates this one if the Task fails or is cancelled.",
  },
  map: { shape: record(mapFields), says: "The list a map step goes over." },
  child: { shape: record(childFields), says: "The Task that a child_task step is." },
  timer: { shape: record(timerFields), says: "How long a timer step waits." },
  signal: { shape: record(signalFields), says: "What a signal step waits for." },
} satisfies Record<keyof TemplateStep, Field>;

export const overrideFields = {
  name: { shape: WORD, required: true, says: "The step's name, or ALL for every step." },
  handler: {
    shape: record({ initialization }),
    says: "Its initialization is laid over the step's, key by key.",
  },
  timeout_seconds: timeoutSeconds,
  retry: { shape: record(retryFields), says: "Laid over the step's, key by key." },
} satisfies Record<keyof StepOverride, Field>;

/** The keys that belong to some step types alone, and whether these require them. */
export const partsOfTypes = {
  batch_config: { types: ["batchable", "batch_worker"], required: false },
  map: { types: ["map"], required: true },
  child: { types: ["child_task"], required: true },
  timer: { types: ["timer"], required: true },
  signal: { types: ["signal"], required: false },
} as const satisfies Partial<Record<keyof TemplateStep, { types: readonly StepType[]; required: boolean }>>;

/** The step types without an agent. */
export const agentless: ReadonlySet<StepType> = new Set<StepType>(["child_task", "timer", "signal"]);
