import { planDefaults } from "#domain/graph/plan-defaults";
import { failureStrategies, type StepType, type TemplateStep } from "#domain/template/template";
import { limits } from "#limits/index";
import { agentName, version, WORD } from "./names.js";
import { anyJson, choice, type Field, type Fields, record, whole } from "./shape.js";

const failureStrategy: Field = {
  shape: choice(failureStrategies),
  default: planDefaults.failure,
  says: "What the failure of one member does: fail_fast ends the Task, continue_on_failure passes it over, isolate passes it over and fails the Task once the rest is done.",
};

/** Of a step that is cut into batches, or of the worker of one. */
export const batchFields = {
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

export const mapFields = {
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

export const childFields = {
  agent: { shape: agentName, says: "The agent that is to do it. Either this or template." },
  template: {
    shape: record(childTemplateFields),
    says: "The template it is a Task of. Either this or agent.",
  },
  input: { shape: WORD, says: "Path of its input, as in map.over; the Task's whole input if left out." },
} satisfies Record<keyof NonNullable<TemplateStep["child"]>, Field>;

export const timerFields = {
  delay_ms: {
    shape: whole(1, limits.stepWaitMost),
    required: true,
    says: "How long it waits once its dependencies are done, in milliseconds.",
  },
} satisfies Record<keyof NonNullable<TemplateStep["timer"]>, Field>;

export const signalFields = {
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
