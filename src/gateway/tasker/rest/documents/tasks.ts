/** The Tasks of Tasker's REST API, as the OpenAPI document tells of them. */
import { taskStates } from "#domain/task/task";
import { limits } from "#limits/index";
import type { Documentation } from "../../../rest/documentation.js";
import { exampleNewTask, exampleTask } from "./examples.js";
import { changed, listOf, schemaOf, taskerSchemas, withMembers } from "./schemas.js";

const { TaskerTask, TaskerStep, TaskerTaskPage, TaskerTaskSummary } = taskerSchemas;
const tag = "Tasks";
const path = { id: "The Task's id." };
const task = { description: "The Task.", schema: schemaOf("TaskerTask"), example: exampleTask };
const text = { type: ["string", "null"] };

/** The request in Tasker's words. */
const newTask = {
  type: "object",
  description: "A Task of a template. `template_name` is an older name of `name`.",
  properties: {
    name: { ...text, description: "The template." },
    template_name: text,
    namespace: { ...text, description: "Of the template and the Task; empty for the caller's own." },
    version: { ...text, description: "Empty for the newest." },
    context: { type: ["object", "null"], description: "The input." },
    ...{ initiator: text, source_system: text, reason: text, requested_at: text },
    tags: { type: ["array", "null"], items: { type: "string" } },
    priority: { type: ["integer", "null"], minimum: -limits.priority, maximum: limits.priority },
    ...{ correlation_id: text, parent_correlation_id: text, idempotency_key: text },
    options: { type: ["object", "null"], maxProperties: 0 },
  },
  additionalProperties: false,
};

export const createDocumentation: Documentation = {
  summary: "creates a Task, and waits for its end if told how long",
  description:
    "Takes the members of Tasker, or those of `taskrun.v1.CreateTaskRequest`, which are meant if `agent_name` or `template` is among them.",
  tag,
  parameters: [
    { name: "wait", in: "query", description: "How long to wait for the end, as `30s`; at most `10m`." },
    { name: "Idempotency-Key", in: "header", description: "The same as `idempotency_key`." },
  ],
  request: {
    schema: { anyOf: [newTask, { $ref: "#/components/schemas/taskrun.v1.CreateTaskRequest" }] },
    example: exampleNewTask,
  },
  answers: { 200: task },
  failures: [409],
  schemas: { TaskerTask, TaskerStep },
};

export const list: Documentation = {
  summary: "Tasks by page, the newest first, without contexts and Steps",
  description: `Also takes the filters of \`taskrun.v1.ListTasksRequest\` by their names. The first ${limits.taskerOffset} Tasks can be counted by \`page\`; \`page_token\` goes on from any page.`,
  tag,
  parameters: [
    {
      name: "page",
      in: "query",
      description: "Counted from 1.",
      schema: { type: "integer", minimum: 1, default: 1 },
    },
    {
      name: "per_page",
      in: "query",
      description: "Tasks on a page.",
      schema: {
        type: "integer",
        minimum: 1,
        maximum: limits.taskerPageMax,
        default: limits.taskerPageDefault,
      },
    },
    { name: "page_token", in: "query", description: "`next_page_token` of the page before." },
    { name: "namespace", in: "query", description: "Only of this namespace." },
    { name: "status", in: "query", description: "Only in this state.", schema: { enum: taskStates } },
    { name: "task_status", in: "query", description: "Only of this status of ours, as `RUNNING`." },
    { name: "initiator", in: "query", description: "Only those of this initiator." },
    { name: "source_system", in: "query", description: "Only those of this system." },
    {
      name: "tags",
      in: "query",
      description: "Only those with this tag; repeat it for those with all.",
      schema: listOf({ type: "string" }),
    },
  ],
  answers: {
    200: {
      description: "A page.",
      schema: schemaOf("TaskerTaskPage"),
      example: {
        tasks: [{ ...exampleTask, context: null, steps: [] }],
        next_page_token: "",
        pagination: {
          ...{ page: 1, per_page: 25, total_count: 1, total_count_is_exact: true },
          ...{ total_pages: 1, has_next: false, has_previous: false },
        },
      },
    },
  },
  schemas: { TaskerTaskPage, TaskerTask, TaskerStep },
};

export const get: Documentation = {
  summary: "one Task, with its Steps",
  tag,
  path,
  answers: { 200: task },
  failures: [404],
  schemas: { TaskerTask, TaskerStep },
};

export const cancel: Documentation = {
  summary: "cancels a Task at once and for good",
  tag,
  path,
  parameters: [{ name: "reason", in: "query", description: "Why, for people." }],
  answers: {
    200: {
      description: "The Task.",
      schema: withMembers("TaskerTask", changed),
      example: { ...exampleTask, status: "cancelled", success: true, message: "Task … is cancelled." },
    },
  },
  failures: [404, 409],
  schemas: { TaskerTask, TaskerStep },
};

export const summary: Documentation = {
  summary: "a Task at a glance, without context and results",
  tag,
  path,
  answers: { 200: { description: "The summary.", schema: schemaOf("TaskerTaskSummary") } },
  failures: [404],
  schemas: { TaskerTaskSummary },
};
