/** The Steps of Tasker's REST API, as the OpenAPI document tells of them. */
import { taskStates } from "#domain/task/task";
import type { Documentation } from "../../../rest/documentation.js";
import { exampleStep } from "./examples.js";
import { listOf, schemaOf, taskerSchemas, withMembers } from "./schemas.js";

const { TaskerStep, TaskerStepAudit } = taskerSchemas;
const tag = "Tasks";
const ofTask = { id: "The Task's id." };
const path = { ...ofTask, step: "The Step's UUID, or its name." };
const step = { description: "The Step.", schema: schemaOf("TaskerStep"), example: exampleStep };
const text = { type: ["string", "null"] };

export const list: Documentation = {
  summary: "the Steps of a Task, in an order in which they can run",
  tag,
  path: ofTask,
  answers: {
    200: { description: "The Steps.", schema: listOf(schemaOf("TaskerStep")), example: [exampleStep] },
  },
  failures: [404],
  schemas: { TaskerStep },
};

export const get: Documentation = {
  summary: "one Step, with its result however large that is",
  tag,
  path,
  answers: { 200: step },
  failures: [404],
  schemas: { TaskerStep },
};

const action = (word: string, by: string, more: Readonly<Record<string, unknown>> = {}) => ({
  type: "object",
  properties: { action_type: { const: word }, reason: text, [by]: text, ...more },
  required: ["action_type", ...Object.keys(more)],
  additionalProperties: false,
});

export const resolve: Documentation = {
  summary: "decides about a Step that has failed for good, or that hangs",
  description:
    "The Task goes on from it. Who it was is the credential; the name that is given here stands before the reason.",
  tag,
  path,
  request: {
    schema: {
      oneOf: [
        action("reset_for_retry", "reset_by"),
        action("resolve_manually", "resolved_by"),
        action("complete_manually", "completed_by", {
          completion_data: { type: "object", properties: { result: {}, metadata: { maxProperties: 0 } } },
        }),
      ],
    },
    example: { action_type: "reset_for_retry", reason: "the bank is back", reset_by: "ann" },
  },
  answers: {
    200: {
      description: "The Step.",
      schema: withMembers("TaskerStep", {
        task_state: { enum: taskStates, description: "Where its Task stands now." },
      }),
      example: { ...exampleStep, task_state: "steps_in_process" },
    },
  },
  failures: [404, 409],
  schemas: { TaskerStep },
};

export const audit: Documentation = {
  summary: "what has happened to a Step, the newest first",
  tag,
  path,
  answers: {
    200: { description: "Its Runs, and what was done by hand.", schema: listOf(schemaOf("TaskerStepAudit")) },
  },
  failures: [404],
  schemas: { TaskerStepAudit },
};
