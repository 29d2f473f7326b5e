/** The dead letters of Tasker's REST API, as the OpenAPI document tells of them. */
import { limits } from "#limits/index";
import type { Documentation, DocumentedParameter } from "../../../rest/documentation.js";
import { resolutionStatuses } from "../../shapes/dead-letter-shape.js";
import { changed, listOf, schemaOf, taskerSchemas, withMembers } from "./schemas.js";

const { TaskerDlqEntry, TaskerDlqStats, TaskerInvestigation, TaskerStaleness } = taskerSchemas;
const tag = "Dead letters";
const ofNamespace: DocumentedParameter = {
  name: "namespace",
  in: "query",
  description: "Only of this namespace.",
};
const limit = (most: number, otherwise = most): DocumentedParameter => ({
  name: "limit",
  in: "query",
  description: "How many.",
  schema: { type: "integer", minimum: 1, maximum: most, default: otherwise },
});
const pageToken: DocumentedParameter = {
  name: "page_token",
  in: "query",
  description: 'Goes on from the page before: it is in that one\'s header `Link`, with `rel="next"`.',
};
const entry = { description: "The dead letter.", schema: schemaOf("TaskerDlqEntry") };

export const list: Documentation = {
  summary: "dead letters, the newest first",
  tag,
  parameters: [
    {
      name: "resolution_status",
      in: "query",
      description: "Only of this status.",
      schema: { enum: resolutionStatuses },
    },
    ofNamespace,
    limit(limits.deadLettersPage, 50),
    {
      name: "offset",
      in: "query",
      description: "How many to leave out.",
      schema: { type: "integer", minimum: 0, maximum: limits.taskerOffset, default: 0 },
    },
    pageToken,
  ],
  answers: { 200: { description: "Dead letters.", schema: listOf(schemaOf("TaskerDlqEntry")) } },
  schemas: { TaskerDlqEntry },
};

export const ofTask: Documentation = {
  summary: "the dead letter of a Task",
  tag,
  path: { task_uuid: "The Task's id." },
  answers: { 200: entry },
  failures: [404],
  schemas: { TaskerDlqEntry },
};

export const update: Documentation = {
  summary: "writes down what became of a dead letter",
  tag,
  path: { dlq_entry_uuid: "The dead letter's id, which is its Task's." },
  request: {
    schema: {
      type: "object",
      properties: {
        resolution_status: { enum: [...resolutionStatuses, null] },
        resolution_notes: { type: ["string", "null"] },
        resolved_by: { type: ["string", "null"], description: "Stands before the notes." },
        metadata: { type: ["object", "null"], maxProperties: 0 },
      },
      additionalProperties: false,
    },
    example: {
      resolution_status: "manually_resolved",
      resolution_notes: "charged by hand",
      resolved_by: "ann",
    },
  },
  answers: {
    200: { description: "The dead letter.", schema: withMembers("TaskerDlqEntry", changed) },
  },
  failures: [404, 409],
  schemas: { TaskerDlqEntry },
};

export const stats: Documentation = {
  summary: "how many dead letters there are, by reason",
  tag,
  parameters: [ofNamespace],
  answers: { 200: { description: "A row for each reason.", schema: listOf(schemaOf("TaskerDlqStats")) } },
  schemas: { TaskerDlqStats },
};

export const queue: Documentation = {
  summary: "dead letters that somebody has to look at, the most urgent first",
  tag,
  parameters: [limit(limits.deadLettersShown), ofNamespace],
  answers: { 200: { description: "Entries.", schema: listOf(schemaOf("TaskerInvestigation")) } },
  schemas: { TaskerInvestigation },
};

export const staleness: Documentation = {
  summary: "Tasks that have not ended, and how long each may rest",
  tag,
  parameters: [limit(limits.stalePage), ofNamespace, pageToken],
  answers: { 200: { description: "Tasks, the newest first.", schema: listOf(schemaOf("TaskerStaleness")) } },
  schemas: { TaskerStaleness },
};
