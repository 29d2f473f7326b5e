import { planDefaults } from "#domain/graph/plan-defaults";
import { backoffs } from "#domain/task/retry";
import { type StepOverride, stepTypes, type TemplateStep } from "#domain/template/template";
import { limits } from "#limits/index";
import { agentName, PROSE, stepName, WORD } from "./names.js";
import {
  always,
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
  whole,
} from "./shape.js";
import { batchFields, childFields, mapFields, signalFields, timerFields } from "./step-parts.js";

const timeoutSeconds: Field = {
  shape: whole(1, limits.stepWaitMost / 1_000),
  says: "How long one attempt may take, in seconds; for a map, one of each member. No limit if left out.",
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

/** The keys of a step, whatever its type. */
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

/** The keys of what an environment changes of a step. */
export const overrideFields = {
  name: { shape: WORD, required: true, says: "The step's name, or ALL for every step." },
  handler: {
    shape: record({ initialization }),
    says: "Its initialization is laid over the step's, key by key.",
  },
  timeout_seconds: timeoutSeconds,
  retry: { shape: record(retryFields), says: "Laid over the step's, key by key." },
} satisfies Record<keyof StepOverride, Field>;
