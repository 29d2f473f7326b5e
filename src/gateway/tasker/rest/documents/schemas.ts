import { stepStates } from "#domain/task/step";
import { taskStates } from "#domain/task/task";
import type { JsonSchema } from "../../../rest/documentation.js";
import { dlqReasons, resolutionStatuses } from "../../shapes/dead-letter-shape.js";

/*
 * JSON Schemas of what Tasker's REST API has, for the OpenAPI document. Where members of ours stand beside Tasker's, `x-beside` names
 * the message that has them: a reference would also say of equal names, such as `status`, what is meant by ours.
 */

const text = (description: string): JsonSchema => ({ type: "string", description });
const textOrNull = (description: string): JsonSchema => ({ type: ["string", "null"], description });
const time = (description: string): JsonSchema => ({ type: "string", format: "date-time", description });
const timeOrNull = (description: string): JsonSchema => {
  return { type: ["string", "null"], format: "date-time", description };
};
const count = (description: string): JsonSchema => ({ type: "integer", minimum: 0, description });
const flag = (description: string): JsonSchema => ({ type: "boolean", description });
const uuid = text;

/** An object with all of these members. */
export function objectOf(properties: Readonly<Record<string, JsonSchema>>, description?: string): JsonSchema {
  const required = Object.keys(properties);
  return { type: "object", ...(description !== undefined && { description }), properties, required };
}

/** The same, and what a message of ours has that is not among them. */
function besideOurs(
  properties: Readonly<Record<string, JsonSchema>>,
  message: string,
  description: string,
): JsonSchema {
  return { ...objectOf(properties, description), "x-beside": message, additionalProperties: true };
}

/** The same object with these members too. */
export function withMembers(
  name: keyof typeof taskerSchemas,
  more: Readonly<Record<string, JsonSchema>>,
): JsonSchema {
  const { properties, required, ...rest }: JsonSchema = taskerSchemas[name];
  const members = objectOf({ ...(properties as Record<string, JsonSchema>), ...more });
  return { ...rest, ...members };
}

/** What a change answers beside what it has changed. */
export const changed = {
  success: { const: true, description: "It is done." },
  message: text("What is done, for people."),
} as const satisfies Record<string, JsonSchema>;

export function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

/** A schema of {@link taskerSchemas}. */
export function schemaOf(name: keyof typeof taskerSchemas): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

const taskMembers = {
  task_uuid: uuid("The Task's id; `id` is the same."),
  name: text("The template's name; of a Task without a template its agent's."),
  namespace: text("The namespace of the Task."),
  version: text("The template's version; empty without a template."),
  status: { enum: taskStates, description: "Where the Task stands, in Tasker's words." },
  created_at: time("When it was created."),
  updated_at: time("The newest instant that this answer knows of."),
  completed_at: timeOrNull("When it ended."),
  initiator: text("Who asked, as they called themselves; `created_by` is the same."),
  source_system: text("As given."),
  reason: text("As given."),
  priority: { type: "integer", minimum: -100, maximum: 100, description: "Higher goes first." },
  tags: listOf({ type: "string" }),
  correlation_id: text("As given, or the Task's own id."),
  parent_correlation_id: textOrNull("As given."),
  total_steps: count("Steps of the Task."),
  pending_steps: count("Of these, those that have not begun."),
  in_progress_steps: count("Those at work."),
  completed_steps: count("Those that are done."),
  failed_steps: count("Those that have failed for good."),
  ready_steps: count("Of the pending ones, those that wait for a Worker."),
  execution_status: text("What the Steps amount to, for example `processing`."),
  recommended_action: textOrNull("What to do; null if there is nothing to do."),
  completion_percentage: { type: "number", minimum: 0, maximum: 100 },
  health_status: { enum: ["healthy", "recovering", "blocked", "unknown"] },
} as const satisfies Record<string, JsonSchema>;

const stepMembers = {
  step_uuid: uuid("The Step's UUID, which follows from its Task and name."),
  name: text("The Step's name, unique in its Task."),
  current_state: { enum: stepStates, description: "Where the Step stands." },
  created_at: time("When its Task was created."),
  updated_at: time("The newest instant that this answer knows of."),
  completed_at: timeOrNull("When it was done."),
  dependencies_satisfied: flag("True if nothing that it depends on is left to be done."),
  retry_eligible: flag("True if it can be tried again."),
  ready_for_execution: flag("True if a Worker may take it now."),
  total_parents: count("Steps that it depends on."),
  completed_parents: count("Of these, those that are done."),
  attempts: count("Attempts used up."),
  max_attempts: count("Attempts in all."),
  last_failure_at: timeOrNull("When it failed last."),
  next_retry_at: timeOrNull("When it is tried again."),
  last_attempted_at: timeOrNull("When it was tried last."),
  backoff_request_seconds: { type: ["integer", "null"], description: "The delay before the next attempt." },
} as const satisfies Record<string, JsonSchema>;

const templateMembers = {
  name: text("Its name."),
  namespace: text("Its namespace."),
  version: text("Its version."),
  description: textOrNull("What it is for."),
  step_count: count("Its Steps."),
  registered_at_ms: text("When it was registered, in Unix milliseconds."),
  digest: text("The same for templates that are the same."),
} as const satisfies Record<string, JsonSchema>;

export const taskerSchemas = {
  TaskerTemplateSummary: besideOurs(
    templateMembers,
    "taskrun.v1.Template",
    "A template in Tasker's shape, and beside it what `taskrun.v1.Template` has, without its text.",
  ),
  TaskerTemplate: besideOurs(
    {
      ...templateMembers,
      source: text("The text with which it was registered."),
      configuration: { type: "object", description: "The whole template." },
      steps: listOf(
        objectOf({
          name: text("The Step."),
          description: textOrNull("What it does."),
          default_retryable: flag("True if it is tried again."),
          default_max_attempts: count("Attempts in all."),
          handler: text("Its agent; empty if it needs none."),
        }),
      ),
    },
    "taskrun.v1.Template",
    "A template in Tasker's shape, and beside it what `taskrun.v1.Template` has.",
  ),
  TaskerStep: besideOurs(
    {
      ...stepMembers,
      task_uuid: uuid("Its Task."),
      results: { description: "The result; null if there is none, or if the answer has no room for it." },
    },
    "taskrun.v1.Step",
    "A Step in Tasker's shape, and beside it what `taskrun.v1.Step` has, without `output_json`.",
  ),
  TaskerTask: besideOurs(
    {
      ...taskMembers,
      context: { description: "The input; null in lists." },
      steps: listOf({ $ref: "#/components/schemas/TaskerStep" }),
      task_status: text("Our status, for example `TASK_STATUS_RUNNING`."),
      id: text("The Task's id."),
    },
    "taskrun.v1.Task",
    "A Task in Tasker's shape, and beside it what `taskrun.v1.Task` has, whose `status` is `task_status`.",
  ),
  TaskerTaskPage: objectOf({
    tasks: listOf({ $ref: "#/components/schemas/TaskerTask" }),
    next_page_token: text("Goes on where this page ends, as `page_token`; empty on the last page."),
    pagination: objectOf({
      page: count("Counted from 1."),
      per_page: count("Tasks on a page."),
      total_count: count("Tasks up to here, and one more if there is one: a list is not counted."),
      total_count_is_exact: flag("True if that is all."),
      total_pages: count("The same in pages."),
      has_next: flag("True if there are more."),
      has_previous: flag("True if this is not the first."),
    }),
  }),
  TaskerTaskSummary: objectOf({
    task: objectOf(taskMembers),
    template: objectOf({
      steps: listOf(
        objectOf({
          name: text("The Step."),
          step_type: text("Its type."),
          handler: text("Its agent; empty if it needs none."),
          dependencies: listOf({ type: "string" }),
          retryable: flag("True if it has more than one attempt."),
          max_attempts: count("Attempts in all."),
        }),
      ),
    }),
    steps: listOf(
      objectOf({
        ...stepMembers,
        error: {
          oneOf: [
            { type: "null" },
            objectOf({
              error_type: text("Why the last Run failed."),
              retryable: flag("True if it can be tried again."),
              status_code: { type: "null" },
            }),
          ],
        },
      }),
    ),
    dlq: objectOf({
      in_dlq: flag("True if somebody has to look at it."),
      dlq_reason: { enum: [...dlqReasons, null] },
      resolution_status: { enum: [...resolutionStatuses, null] },
    }),
    links: objectOf({ task: text("Its path."), steps: text("Its Steps."), dlq: text("Its dead letter.") }),
  }),
  TaskerStepAudit: objectOf({
    audit_uuid: uuid("The Run's id; of what was done by hand a UUID of its own."),
    step_uuid: uuid("The Step."),
    transition_uuid: uuid("The transition."),
    task_uuid: uuid("Its Task."),
    recorded_at: time("When."),
    worker_uuid: textOrNull("The Worker's id; null of what was done by hand."),
    correlation_id: text("The Task's."),
    success: flag("False of a Run that failed or was cancelled."),
    execution_time_ms: { type: ["integer", "null"] },
    result: { description: "The Step's result, at the Run that made it." },
    step_name: text("The Step's name."),
    from_state: { enum: [...stepStates, null] },
    to_state: { enum: stepStates },
    actor: text("The Worker, or the principal who did it by hand."),
    reason: text("Why."),
  }),
  TaskerDlqEntry: besideOurs(
    {
      dlq_entry_uuid: uuid("The Task's id: it has one dead letter at most."),
      task_uuid: uuid("The Task."),
      original_state: { enum: taskStates },
      dlq_reason: { enum: dlqReasons, description: "The nearest word of Tasker; `reason` has ours." },
      dlq_timestamp: time("When it was made."),
      resolution_status: { enum: resolutionStatuses },
      resolution_timestamp: timeOrNull("When it was closed."),
      resolution_notes: textOrNull("What operators have written."),
      resolved_by: textOrNull("The principal who closed it."),
      task_snapshot: { description: "The Task as it was then." },
      metadata: { type: "null" },
      created_at: time("When it was made."),
      updated_at: time("When it was made or closed."),
    },
    "taskrun.v1.DeadLetter",
    "A dead letter in Tasker's shape, and beside it what `taskrun.v1.DeadLetter` has.",
  ),
  TaskerDlqStats: objectOf({
    dlq_reason: { enum: dlqReasons },
    total_entries: count("In all."),
    pending: count("To be looked at."),
    manually_resolved: count("Put right, or moved on."),
    permanent_failures: count("To stay as they are."),
    cancelled: count("Wanted by nobody any more."),
    oldest_entry: timeOrNull("The oldest."),
    newest_entry: timeOrNull("The newest."),
    avg_resolution_time_minutes: { type: ["number", "null"] },
  }),
  TaskerInvestigation: objectOf({
    dlq_entry_uuid: uuid("The Task's id."),
    task_uuid: uuid("The Task."),
    original_state: { enum: taskStates },
    dlq_reason: { enum: dlqReasons },
    dlq_timestamp: time("When it was made."),
    minutes_in_dlq: { type: "number", minimum: 0 },
    namespace_name: text("The Task's namespace."),
    task_name: text("Its template or agent."),
    priority_score: { type: "number", description: "Higher is more urgent." },
    reason: text("Our reason."),
  }),
  TaskerStaleness: objectOf({
    task_uuid: uuid("The Task."),
    namespace_name: text("Its namespace."),
    task_name: text("Its template or agent."),
    current_state: { enum: taskStates },
    time_in_state_minutes: count("How long nothing has happened to it."),
    task_age_minutes: count("How old it is."),
    staleness_threshold_minutes: count("When it is stale."),
    health_status: { enum: ["healthy", "warning", "stale"] },
    priority: { type: "integer" },
  }),
} as const satisfies Record<string, JsonSchema>;
