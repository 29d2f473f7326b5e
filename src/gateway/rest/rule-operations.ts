import { createRequire } from "node:module";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { toJsonString } from "@bufbuild/protobuf";
import { z } from "zod";
import type { Rpc } from "../rpc.js";
import { bindingOf, type HttpMethod, type HttpRule, httpMethods } from "./http-rule.js";
import { idempotent } from "./idempotency.js";
import type { RestOperation } from "./operation.js";
import { requestOf } from "./transcode.js";

const binding = z
  .strictObject({
    get: z.string(),
    put: z.string(),
    post: z.string(),
    delete: z.string(),
    patch: z.string(),
    body: z.string(),
    response_body: z.string(),
  })
  .partial();
const ruleFile = z.object({
  http: z.strictObject({
    rules: z.array(
      binding.extend({ selector: z.string(), additional_bindings: z.array(binding).optional() }),
    ),
  }),
});

/** All rules of `proto/taskrun/v1/http.json`, those of additional bindings after their first. */
export function readRules(): readonly HttpRule[] {
  const file: unknown = createRequire(import.meta.url)("#proto/taskrun/v1/http.json");
  return ruleFile.parse(file).http.rules.flatMap(({ selector, additional_bindings = [], ...first }) => {
    return [first, ...additional_bindings].map((each) => ruleOf(selector, each));
  });
}

function ruleOf(
  selector: string,
  { body = "", response_body = "", ...paths }: z.infer<typeof binding>,
): HttpRule {
  const given = Object.entries(paths);
  const [[word, path] = ["", ""]] = given;
  const method = word.toUpperCase() as HttpMethod;
  if (path === undefined || given.length !== 1 || !httpMethods.includes(method))
    throw new Error(`${selector}: one method, please`);
  return { selector, method, path, body, responseBody: response_body };
}

/** The operations of rules: each maps its request to that of the rpc, and the answer to JSON. */
export function ruleOperations(rules: readonly HttpRule[], rpcs: readonly Rpc[]): readonly RestOperation[] {
  const byName = new Map(rpcs.map((rpc) => [`${rpc.method.parent.typeName}.${rpc.method.name}`, rpc]));
  return rules.map((rule) => {
    const rpc = byName.get(rule.selector);
    if (rpc?.kind !== "unary") throw new Error(`${rule.selector} is no unary rpc that is served`);
    return operationOf(rule, rpc);
  });
}

function operationOf(rule: HttpRule, rpc: Rpc & { readonly kind: "unary" }): RestOperation {
  const { method } = rpc;
  const bound = bindingOf(rule, method);
  return {
    ...{ rpc, method: rule.method, path: rule.path, documentation: bound },
    perform: async (request, ask) => {
      const message = idempotent(method.input, requestOf(bound, request), request);
      return { json: jsonOf(method.output, await ask(method, message as never)) };
    },
  };
}

/** A message as JSON, by the names of the protocol, with all its fields: who reads it need not know what is left out. */
export function jsonOf(schema: DescMessage, message: Message): string {
  return toJsonString(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
}
