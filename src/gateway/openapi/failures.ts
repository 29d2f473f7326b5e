import type { JsonSchema } from "../rest/documentation.js";

const RETRY_AFTER = {
  "retry-after": {
    description: "Seconds after which to ask again.",
    schema: { type: "integer", minimum: 1 },
  },
};

interface FailureKind {
  readonly name: string;
  readonly description: string;
  readonly example: object;
  readonly headers?: object;
}

/** The statuses of failures, each with one example of its form. */
const kinds: Readonly<Record<number, FailureKind>> = {
  400: {
    name: "BadRequest",
    description:
      "A parameter, header or field is unknown, has another form, or does not fit; `field` names it.",
    example: problem(400, "Bad Request", "INVALID_ARGUMENT", "BAD_REQUEST", {
      detail: "agnt_name is no parameter of this path; did you mean agent_name?",
      reason: "UNKNOWN_FIELD",
      field: "agnt_name",
    }),
  },
  401: {
    name: "Unauthorized",
    description: "There is no credential, or it is not valid, or has ended.",
    example: problem(401, "Unauthorized", "UNAUTHENTICATED", "UNAUTHORIZED", {
      detail:
        "this server asks for a credential: send an API key as x-api-key, or as authorization: Bearer KEY.",
      reason: "CREDENTIAL_MISSING",
    }),
  },
  403: {
    name: "Forbidden",
    description: "The credential does not have the permission, or not for this namespace.",
    example: problem(403, "Forbidden", "PERMISSION_DENIED", "FORBIDDEN", {
      detail: "taskrun.v1.TaskService/CancelTask needs tasks:cancel, which your credential does not have.",
      reason: "SCOPE_MISSING",
    }),
  },
  404: {
    name: "NotFound",
    description: "There is no such thing, or it is in a namespace that is not the caller's.",
    example: problem(404, "Not Found", "NOT_FOUND", "NOT_FOUND", {
      detail: "Task not found: 01980000-0000-7000-8000-000000000000",
      reason: "TASK_NOT_FOUND",
    }),
  },
  408: {
    name: "Timeout",
    description: "The request did not come in time.",
    example: problem(408, "Request Timeout", "DEADLINE_EXCEEDED", "TIMEOUT", {
      detail: "the request did not come in time.",
      reason: "TOO_SLOW",
    }),
  },
  409: {
    name: "Conflict",
    description: "Its state does not allow it, or an idempotency key stands for another request.",
    example: problem(409, "Conflict", "FAILED_PRECONDITION", "CONFLICT", {
      detail: "the Task has ended: it is COMPLETED.",
      reason: "TASK_ENDED",
    }),
  },
  410: {
    name: "Gone",
    description: "The events after this cursor are no longer kept; `metadata` has the first that is.",
    example: problem(410, "Gone", "OUT_OF_RANGE", "GONE", {
      detail: "after 3 is before the first event that is kept, 120.",
      reason: "CURSOR_EXPIRED",
      field: "after",
    }),
  },
  501: {
    name: "NotImplemented",
    description: "It is not available here.",
    example: problem(501, "Not Implemented", "UNIMPLEMENTED", "NOT_IMPLEMENTED", {
      detail: "this server does not have it.",
      reason: "NOT_AVAILABLE",
    }),
  },
  503: {
    name: "Unavailable",
    description:
      "The server has too much to do, or is stopping. Nothing was changed; the same request may be sent again.",
    headers: RETRY_AFTER,
    example: {
      ...problem(503, "Service Unavailable", "RESOURCE_EXHAUSTED", "BACKPRESSURE", {
        detail: "too much is waiting: try again later.",
        reason: "OVERLOADED",
      }),
      retryAfterMs: 1_000,
    },
  },
};

interface Said {
  readonly detail: string;
  readonly reason: string;
  readonly field?: string;
}

function problem(status: number, title: string, code: string, errorCode: string, said: Said): object {
  return { title, status, ...said, code, error: { code: errorCode, message: said.detail } };
}

/** What a failure of this status is called in the document. @throws {Error} if there is no such failure */
export function failureRef(status: number): JsonSchema {
  const kind = kinds[status];
  if (!kind) throw new Error(`no operation fails with ${status}`);
  return { $ref: `#/components/responses/${kind.name}` };
}

/** What may come of every operation beside what stands there. */
export const ANY_OTHER = "AnyOther";

/** The answers of failures, by name. */
export function failureAnswers(): Record<string, object> {
  const content = (example?: object) => ({
    "application/problem+json": {
      schema: { $ref: "#/components/schemas/Problem" },
      ...(example && { example }),
    },
  });
  const named = Object.values(kinds).map(({ name, example, ...rest }) => {
    return [name, { ...rest, content: content(example) }] as const;
  });
  const description =
    "Any other failure: 408 if the request did not come in time, 503 if the server has too much to do or is stopping, 500 if it failed inside.";
  return {
    ...Object.fromEntries(named),
    [ANY_OTHER]: { description, headers: RETRY_AFTER, content: content() },
  };
}

/** The form of every failure: RFC 9457, and `error` as clients of Tasker read it. */
export const problemSchema: JsonSchema = {
  type: "object",
  description: "A failure, as RFC 9457 has it.",
  required: ["title", "status", "detail", "code", "reason", "error"],
  properties: {
    title: { type: "string", description: "What the status is called." },
    status: { type: "integer", description: "The status of HTTP." },
    detail: { type: "string", description: "For people: what is wrong, and what to do." },
    code: { type: "string", description: "The status of gRPC, for example `NOT_FOUND`." },
    reason: { type: "string", description: "For programs; docs/errors.md has all of them." },
    field: { type: "string", description: "Which parameter, header or field is meant." },
    metadata: {
      type: "object",
      additionalProperties: { type: "string" },
      description: "What else programs may need.",
    },
    retryAfterMs: {
      type: "integer",
      description: "After which time to send it again, as the header `retry-after`.",
    },
    error: {
      type: "object",
      description: "The same, as clients of Tasker read it.",
      required: ["code", "message"],
      properties: {
        code: { type: "string" },
        message: { type: "string" },
        retry_after_seconds: { type: "integer" },
      },
    },
  },
};
