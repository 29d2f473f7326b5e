import { create, type DescMethod, toJson } from "@bufbuild/protobuf";
import type { Requirement } from "../access/policy.js";
import type { Documentation, DocumentedAnswer, JsonSchema } from "../rest/documentation.js";
import type { Binding } from "../rest/http-rule.js";
import { ANY_OTHER, failureRef } from "./failures.js";
import { boundParameters, type Parameter, writtenParameters } from "./parameters.js";
import type { Recording } from "./records.js";
import type { MessageSchemas } from "./schemas.js";

/** What of an operation does not follow from its documentation. */
export interface Place {
  readonly method: string;
  readonly path: string;
  readonly needs: Requirement;
  /** True if a token for the Task of the path is taken too. */
  readonly takesWatchToken: boolean;
  readonly recorded: Recording | undefined;
}

/** An operation object of OpenAPI. */
export type Operation = Readonly<Record<string, unknown>>;

/** The operation of a rule. */
export function boundOperation(binding: Binding, place: Place, schemas: MessageSchemas): Operation {
  const { rpc, body, rule } = binding;
  const { recorded } = place;
  const name = `${rpc.parent.typeName}.${rpc.name}`;
  const description = (schemas.comment(name).description ?? "").replace(/(\S)\n(?=\w)/g, "$1 ");
  const parameters = [...boundParameters(binding, schemas), ...keyHeader(rpc, rule.body)];
  const answer =
    recorded?.answer ??
    toJson(rpc.output, create(rpc.output), { alwaysEmitImplicit: true, useProtoFieldName: true });
  const requestSchema = body === "whole" ? schemas.refer(rpc.input) : body && schemas.field(body);
  return {
    operationId: `${rpc.parent.name}_${rpc.name}`,
    summary: summaryOf(description, rpc.name),
    description,
    tags: [rpc.parent.name.replace(/Service$/, "")],
    ...common(place),
    parameters: withExamples(parameters, recorded),
    ...(requestSchema && { requestBody: requestOf(requestSchema, recorded?.body ?? {}) }),
    responses: {
      200: answerOf({ description: "Done.", schema: schemas.refer(rpc.output), example: answer }),
      ...failuresOf(recorded?.failures ?? []),
    },
  };
}

/** The operation of what is written by hand. */
export function writtenOperation(said: Documentation, place: Place): Operation {
  const { method, path, recorded } = place;
  const { summary, description, tag, request, answers, failures = [] } = said;
  const all = new Set([...failures, ...(recorded?.failures ?? [])]);
  const given = Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)] as const);
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+/g, "_").replace(/_$/, "")}`,
    ...{ summary, ...(description !== undefined && { description }), tags: [tag] },
    ...common(place),
    parameters: withExamples(writtenParameters(path, said), recorded),
    ...(request && { requestBody: requestOf(request.schema, request.example) }),
    responses: {
      ...Object.fromEntries(given),
      ...failuresOf([...all].filter((status) => !(status in answers))),
    },
  };
}

function common({ needs, takesWatchToken }: Place): Operation {
  if (needs === "nothing" || needs === "a token") return { "x-required-permission": null, security: [] };
  const security = [{ apiKey: [] }, { bearer: [] }, ...(takesWatchToken ? [{ watchToken: [] }] : [])];
  return { "x-required-permission": needs === "a credential" ? null : needs, security };
}

/** The first sentence, for a list. */
function summaryOf(description: string, name: string): string {
  const [first = ""] = description.split(/(?<=[^.][^.]\.)\s|[:;]\s|\n/, 1);
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, " ");
  return first === "" ? words : first.replace(/\.$/, "");
}

/** What has an idempotency key takes it in a header too. */
function keyHeader({ input }: DescMethod, body: string): Parameter[] {
  const message =
    body === "*" || body === "" ? input : input.fields.find(({ name }) => name === body)?.message;
  if (!message?.fields.some(({ name }) => name === "idempotency_key")) return [];
  const description = "Makes it safe to send the request again; the same as the field `idempotency_key`.";
  return [{ name: "Idempotency-Key", in: "header", description, schema: { type: "string" } }];
}

function withExamples(
  parameters: readonly Parameter[],
  recorded: Recording | undefined,
): readonly Parameter[] {
  const known = { ...recorded?.path, ...recorded?.query };
  return parameters.map((each) => (each.name in known ? { ...each, example: known[each.name] } : each));
}

function requestOf(schema: JsonSchema, example: unknown): object {
  return { required: true, content: { "application/json": { schema, example } } };
}

function answerOf({ description, schema, example, contentType, more }: DocumentedAnswer): object {
  if (!schema && example === undefined) return { description };
  const shown = { ...(schema && { schema }), ...(example !== undefined && { example }) };
  return { description, content: { [contentType ?? "application/json"]: shown, ...more } };
}

function failuresOf(statuses: readonly number[]): Record<string, object> {
  const named = statuses.map(
    (status) => [String(status), status === 304 ? NOT_MODIFIED : failureRef(status)] as const,
  );
  return { ...Object.fromEntries(named), default: { $ref: `#/components/responses/${ANY_OTHER}` } };
}

const NOT_MODIFIED = { $ref: "#/components/responses/NotModified" };
