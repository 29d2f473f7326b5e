import { identityStrategies, type TemplateBody } from "#domain/template/template";
import { limits } from "#limits/index";
import { PROSE, version, WORD } from "./names.js";
import {
  always,
  choice,
  type Field,
  type Fields,
  flag,
  jsonSchema,
  listOf,
  type RecordShape,
  record,
  text,
  whole,
} from "./shape.js";
import { overrideFields, stepFields } from "./step.js";

const NAME_PATTERN = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$";
const NAME_SAYS = 'made of letters, digits, "_", "-" and "." alone';

const metadataFields: Fields = {
  author: { shape: WORD, says: "Who answers for it." },
  tags: { shape: listOf(WORD), says: "Words to find it by." },
  documentation_url: { shape: text(2_048), says: "Where more is written." },
  created_at: { shape: WORD, says: "For people." },
  updated_at: { shape: WORD, says: "For people." },
};

const STALE = "No effect: a stale Task has a dead letter, and stays as it is.";
const OVERDUE = "No effect yet: a Task that takes longer than max_duration_minutes ends in error.";
const minutes = (rests: string): Field => ({
  shape: whole(1, 10_080),
  says: `How many minutes a Task may ${rests} before it is stale and has a dead letter. Default: as the server is set.`,
});

const lifecycleFields: Fields = {
  max_duration_minutes: {
    shape: whole(1, 43_200),
    says: "How long a Task may take, in minutes. No limit if left out.",
  },
  max_waiting_for_dependencies_minutes: minutes("wait for its steps or a signal"),
  max_waiting_for_retry_minutes: minutes("wait for an attempt whose time has come"),
  max_steps_in_process_minutes: minutes("be at work without a worker that is heard"),
  staleness_action: { shape: choice(["dlq", "error", "none"]), says: STALE, hasNoEffect: always },
  auto_fail_on_timeout: { shape: flag, says: OVERDUE, hasNoEffect: always },
  auto_dlq_on_timeout: { shape: flag, says: OVERDUE, hasNoEffect: always },
};

const dependencyFields: Fields = {
  primary: { shape: WORD, default: "default", says: "The main system." },
  secondary: { shape: listOf(WORD), default: [], says: "Other systems." },
};

const domainEventFields: Fields = {
  name: { shape: WORD, required: true, says: "Its name." },
  description: { shape: PROSE, says: "For people." },
  schema: { shape: jsonSchema, says: "What its payload looks like." },
};

const environmentFields: Fields = {
  steps: { shape: listOf(record(overrideFields)), says: "What is different, step by step." },
};

const bodyFields = {
  name: {
    shape: text(64, { pattern: NAME_PATTERN, says: NAME_SAYS, code: "BAD_NAME" }),
    required: true,
    says: "What tasks ask for, together with namespace and version.",
  },
  namespace_name: {
    shape: {
      ...text(29, { pattern: NAME_PATTERN, says: NAME_SAYS, code: "BAD_NAME" }),
      maxCode: "NAMESPACE_TOO_LONG",
    },
    required: true,
    says: "The namespace it belongs to.",
  },
  version: {
    shape: version,
    required: true,
    says: "A semantic version. One that is registered never changes.",
  },
  description: { shape: PROSE, says: "One sentence for people." },
  metadata: {
    shape: { ...record(metadataFields), open: true },
    says: "For people and tools. Keys that are not listed are kept.",
  },
  system_dependencies: {
    shape: record(dependencyFields),
    says: "No effect yet: the systems that its agents work with.",
    hasNoEffect: always,
  },
  domain_events: {
    shape: listOf(record(domainEventFields)),
    says: "No effect yet: the events of its steps.",
    hasNoEffect: always,
  },
  input_schema: {
    shape: jsonSchema,
    says: "JSON Schema 2020-12 of a Task's input, checked before the Task is created.",
  },
  steps: { shape: listOf(record(stepFields)), required: true, says: "The graph, in any order." },
  environments: {
    shape: { kind: "named", of: record(environmentFields) },
    says: "What is different in an environment, by its name.",
  },
  lifecycle: { shape: record(lifecycleFields), says: "How long a Task may take." },
  identity_strategy: {
    shape: choice(identityStrategies, "UNKNOWN_IDENTITY_STRATEGY"),
    default: "always_unique",
    says: "When two requests mean the same Task.",
  },
  identity_window_seconds: {
    shape: whole(1, limits.identityWindowMost / 1_000),
    says: "After so many seconds the same work may run again. As long as the Task is kept if left out.",
  },
  hold_on_failure: {
    shape: flag,
    default: false,
    says: "A step that fails for good holds the Task for an operator instead of ending it.",
  },
} satisfies Record<keyof TemplateBody, Field>;

/** The template format: what the reader checks, the JSON Schema states and the guide lists. */
export const format: RecordShape = record(bodyFields);
