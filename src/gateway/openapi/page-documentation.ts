import type { Documentation, DocumentedAnswer } from "../rest/documentation.js";

const text = (description: string, example: string): DocumentedAnswer => {
  return { description, example, schema: { type: "string" }, contentType: "text/plain; charset=utf-8" };
};
/** Beside these members there are others. */
const health = (description: string, status: string): DocumentedAnswer => ({
  description,
  schema: {
    type: "object",
    required: ["status", "timestamp"],
    properties: { status: { type: "string" }, timestamp: { type: "string", format: "date-time" } },
    additionalProperties: true,
  },
  example: { status, timestamp: "2026-01-31T09:00:00.000Z" },
});
const html = (description: string): DocumentedAnswer => {
  return { description, schema: { type: "string" }, contentType: "text/html; charset=utf-8" };
};

const enrolled = {
  type: "object",
  required: ["worker_cert", "ca_cert", "expires_at", "worker_id", "spiffe_id"],
  properties: {
    worker_cert: { type: "string", description: "The certificate and its chain, as PEM." },
    ca_cert: { type: "string", description: "The root to trust, as PEM." },
    expires_at: { type: "string", format: "date-time" },
    worker_id: { type: "string" },
    spiffe_id: { type: "string" },
  },
};
const enrollRefused = {
  type: "object",
  required: ["error", "reason"],
  properties: { error: { type: "string" }, reason: { type: "string" } },
};

const listedExample = {
  ...{ seq: 2, id: "ev-1", run_id: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f05" },
  ...{ task_id: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f01", event_type: "tool_requested" },
  ...{ timestamp_ms: 1_700_000_000_000, metadata: { tool: "search" }, event: {} },
};
const listedEvents = {
  type: "array",
  items: {
    type: "object",
    required: Object.keys(listedExample),
    properties: {
      seq: { type: "integer", description: "Its place in the log, from 1." },
      id: { type: "string", description: "The event's own id; of what is no event of an agent, its seq." },
      run_id: { type: "string", description: "The Run; empty of what concerns the Task as a whole." },
      task_id: { type: "string" },
      event_type: {
        type: "string",
        description:
          "Of an event of an agent its type, as `tool_requested`, or its own name; otherwise `task_changed`, `step_changed`, `run_changed`, `output` or `chat_message`.",
      },
      timestamp_ms: { type: "integer" },
      metadata: { type: "object", additionalProperties: { type: "string" } },
      event: { type: "object", description: "All of it: the message of `WatchTask`." },
    },
  },
};

/** What the document says of the pages that are no operations, by their path. */
export const pageDocumentation: Readonly<Record<string, Documentation>> = {
  "/": {
    ...{ summary: "What there is on this port", tag: "Pages" },
    answers: { 200: text("For people.", "TaskRun control plane.\n") },
  },
  "/health": {
    ...{ summary: "What an operator should look at", tag: "Health" },
    answers: {
      200: health("The server serves; `status` says whether something should be looked at.", "healthy"),
      503: health("It does not: it starts or stops.", "unavailable"),
    },
  },
  "/health/live": {
    ...{ summary: "Whether the process runs", tag: "Health" },
    answers: { 200: health("It does.", "alive") },
  },
  "/health/ready": {
    ...{ summary: "Whether requests are served", tag: "Health" },
    answers: {
      200: health("They are.", "ready"),
      503: health("They are not: it starts or stops.", "not_ready"),
    },
  },
  "/health/detailed": {
    ...{ summary: "How each part of the server is", tag: "Health" },
    answers: {
      200: health("Requests are served.", "healthy"),
      503: health("They are not: it starts or stops.", "unhealthy"),
    },
  },
  "/metrics": {
    ...{ summary: "Numbers for Prometheus", tag: "Health" },
    answers: {
      200: {
        ...{ description: "In Prometheus' text format.", schema: { type: "string" } },
        ...{ example: "taskrun_up 1\n", contentType: "text/plain; version=0.0.4" },
      },
    },
  },
  "/v1/enroll": {
    ...{ summary: "A certificate for a Worker, by its token and a CSR", tag: "Enrollment" },
    description:
      "As the rpc `EnrollmentService.Enroll`. It asks for no credential: the token of an invitation is one.",
    request: {
      schema: {
        type: "object",
        required: ["bootstrap_token", "csr"],
        properties: {
          bootstrap_token: { type: "string", description: "From `POST /v1/workers:invite`. It counts once." },
          csr: { type: "string", description: "A certificate request of PKCS #10, as PEM." },
        },
      },
      example: { bootstrap_token: "TOKEN", csr: "-----BEGIN CERTIFICATE REQUEST-----\n…" },
    },
    answers: {
      200: { description: "The certificate.", schema: enrolled },
      503: { description: "This server enrols nobody.", schema: enrollRefused },
    },
  },
  "/v1/tasks/{id}/events": {
    ...{ summary: "A Task's events: a page of them, or live", tag: "Task" },
    description:
      "Who sends `Accept: text/event-stream`, as an EventSource does, gets server-sent events, live: each has the message of `WatchTask` as JSON, its kind as `event` and its `seq` as `id`. After the last one comes `end`. Everybody else gets those that there are as a list, of which `Link` names the next page, if there is one.",
    path: { id: "The Task's." },
    parameters: [
      {
        ...{ name: "after", in: "query", schema: { type: "integer", minimum: 0 } },
        description: "Only what follows this seq; `Last-Event-ID` counts before it.",
      },
    ],
    answers: {
      200: {
        ...{ description: "The events.", schema: listedEvents, example: [listedExample] },
        more: {
          "text/event-stream": {
            ...{ schema: { type: "string" }, example: 'id: 1\nevent: taskChanged\ndata: {"seq":"1"}\n\n' },
          },
        },
      },
      204: { description: "Of a stream: nothing follows `after`." },
    },
  },
  "/api-docs/openapi.json": {
    ...{ summary: "This document", tag: "Pages" },
    answers: { 200: { description: "OpenAPI 3.1.", schema: { type: "object" } } },
  },
  "/api-docs/ui": {
    ...{ summary: "This document, to read and to try", tag: "Pages" },
    answers: { 200: html("A page.") },
  },
  "/docs": { ...{ summary: "As `/api-docs/ui`", tag: "Pages" }, answers: { 200: html("A page.") } },
  "/inspect": {
    ...{ summary: "What the server decides, to look on", tag: "Pages" },
    answers: { 200: html("A page.") },
  },
  "/inspect/events": {
    ...{ summary: "What the server decides, live", tag: "Pages" },
    answers: {
      200: {
        description: "Events of `@statelyai/inspect`.",
        contentType: "text/event-stream",
        schema: { type: "string" },
      },
    },
  },
  "/inspect/tasks/{id}/events": {
    ...{ summary: "What was decided of one Task, live", tag: "Pages", path: { id: "The Task's." } },
    answers: {
      200: {
        description: "Events of `@statelyai/inspect`.",
        contentType: "text/event-stream",
        schema: { type: "string" },
      },
    },
  },
};
