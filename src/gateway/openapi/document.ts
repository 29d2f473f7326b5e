import { policy, watchTokenRoutes } from "../access/policy.js";
import type { Route } from "../http/router.js";
import type { HttpHandler } from "../http/serve.js";
import type { JsonSchema } from "../rest/documentation.js";
import { failureAnswers, problemSchema } from "./failures.js";
import { boundOperation, type Operation, writtenOperation } from "./operation.js";
import { plainPath } from "./parameters.js";
import type { Records } from "./records.js";
import { type Comments, MessageSchemas } from "./schemas.js";

export interface DocumentParts {
  readonly version: string;
  readonly comments: Comments;
  readonly records: Records;
}

/** A document of OpenAPI 3.1. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly [member: string]: unknown;
}

const ABOUT = `Every operation calls what the rpcs call, with the same checks and limits. Requests and answers are JSON, by the names of the protocol; requests may write them in camel case too.

- **Numbers** of 64 bits, such as times in Unix milliseconds, are texts in answers. Requests may send either.
- **What is not known** is refused by its name: parameters of the query, and fields of bodies.
- **Lists** have pages: send \`next_page_token\` of one as \`page_token\` for the next.
- **Reads** have an \`ETag\`. Send it as \`If-None-Match\`, and what has not changed is answered by 304. HEAD is answered as GET is, without the body.
- **Writes** that have an \`idempotency_key\` take it as the header \`Idempotency-Key\` too.
- **Failures** are \`application/problem+json\`, with \`reason\` for programs; under \`/v1/\` also of a path or method that there is not. \`/v1/enroll\` has a form of its own, and pages under other paths fail in plain text.
- **Queries** write an entry of a map as \`labels[key]=value\`, a field of an object as \`a.b=c\`, and a list by repeating its name.

The same rpcs are served as gRPC, gRPC-Web and Connect at \`POST /PACKAGE.SERVICE/METHOD\`.`;

/** The document of all routes that say what they are. */
export function openApiDocument(
  routes: readonly Route<HttpHandler>[],
  parts: DocumentParts,
): OpenApiDocument {
  const { version, comments, records } = parts;
  const schemas = new MessageSchemas(comments);
  const paths: Record<string, Record<string, Operation>> = {};
  const written: Record<string, JsonSchema> = {};
  const ids = new Set<unknown>();
  for (const { methods, path, documentation, handler } of routes) {
    if (!documentation || handler.kind !== "page" || methods === "*") continue;
    for (const method of methods.filter((each) => each !== "HEAD")) {
      const needs = policy.get(handler.asked) ?? "a credential";
      const recorded = records[`${method} ${path}`];
      const place = { method, path, needs, recorded, takesWatchToken: watchTokenRoutes.has(handler.asked) };
      const operation = named(
        ids,
        "rpc" in documentation
          ? boundOperation(documentation, place, schemas)
          : writtenOperation(documentation, place),
      );
      if (!("rpc" in documentation)) Object.assign(written, documentation.schemas);
      paths[plainPath(path)] = { ...paths[plainPath(path)], [method.toLowerCase()]: operation };
    }
  }
  return {
    openapi: "3.1.0",
    info: { title: "TaskRun", version, description: ABOUT, license: { name: "MIT", identifier: "MIT" } },
    // Relative to `/api-docs/openapi.json`, since a host may serve all under a prefix.
    servers: [{ url: "..", description: "This server." }],
    tags: tagsOf(paths),
    paths,
    components: {
      securitySchemes,
      schemas: { ...schemas.all(), ...written, Problem: problemSchema },
      responses: {
        ...failureAnswers(),
        NotModified: { description: "What the tag of `If-None-Match` names is what there is." },
      },
    },
  };
}

/** A second operation of the same rpc has another id. */
function named(ids: Set<unknown>, operation: Operation): Operation {
  const { operationId } = operation;
  const id = ids.has(operationId) ? `${operationId}_2` : operationId;
  ids.add(id);
  return { ...operation, operationId: id };
}

const securitySchemes = {
  apiKey: { type: "apiKey", in: "header", name: "x-api-key", description: "An API key." },
  bearer: { type: "http", scheme: "bearer", description: "An API key, or a token that this server takes." },
  watchToken: {
    type: "apiKey",
    in: "query",
    name: "access_token",
    description: "A token for the events of one Task, from `POST /v1/tasks/{id}:createWatchToken`.",
  },
};

function tagsOf(paths: OpenApiDocument["paths"]): readonly { readonly name: string }[] {
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  return [...new Set(operations.flatMap(({ tags }) => tags as readonly string[]))].map((name) => ({ name }));
}
