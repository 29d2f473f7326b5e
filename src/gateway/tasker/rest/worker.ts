import { create, type DescMethodUnary } from "@bufbuild/protobuf";
import { getTemplate } from "#api/templates/get-template";
import { validateTemplate } from "#api/templates/validate-template";
import { run } from "#api/use-case";
import type { TemplateRow } from "#domain/template/template";
import { limits } from "#limits/index";
import { WorkerConfigService, WorkerTemplateService } from "#wire/gen/tasker/v1/worker_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import type { RestOperation, RestRequest } from "../../rest/operation.js";
import { invalid, Parameters } from "../../rest/parameters.js";
import type { Call } from "../../rpc.js";
import { objectIn } from "./body.js";
import * as documents from "./documents/worker.js";
import { type Parts, textOf } from "./json.js";
import { operationOf, reserved } from "./route.js";
import { taskersParts } from "./wire-json.js";

const { listTemplates, getTemplate: workerTemplate } = WorkerTemplateService.method;
const { getConfig } = WorkerConfigService.method;
const TEMPLATE = "/v1/templates/{namespace}/{name}/{version}";

const named = (method: DescMethodUnary) => ({ method, waits: false });

/** What workers of Tasker let be read, about the templates and settings of this server, whose workers need none of their own. */
export const workerOperations: readonly RestOperation[] = [
  {
    method: "GET",
    path: "/v1/templates",
    rpc: named(listTemplates),
    documentation: documents.list,
    perform: async ({ query }, ask) => {
      const parameters = new Parameters(query, ["namespace", "include_cache_stats"]);
      const includeCacheStats = flagIn(parameters, "include_cache_stats");
      const namespace = parameters.text("namespace");
      const asked = create(listTemplates.input, {
        includeCacheStats,
        ...(namespace !== "" && { namespace }),
      });
      return { json: textOf(taskersParts(listTemplates.output, await ask(listTemplates, asked))) };
    },
  },
  {
    method: "GET",
    path: TEMPLATE,
    rpc: named(workerTemplate),
    documentation: documents.get,
    perform: async ({ params, query }, ask) => {
      new Parameters(query, []);
      const answer = await ask(workerTemplate, create(workerTemplate.input, refOf(params)));
      return { json: textOf(taskersParts(workerTemplate.output, answer)) };
    },
  },
  operationOf({
    method: "POST",
    path: `${TEMPLATE}/validate`,
    as: TemplateService.method.validate,
    documentation: documents.validate,
    answer: async (request, call) => ({ body: await validated(request, call) }),
  }),
  {
    method: "GET",
    path: "/config",
    rpc: named(getConfig),
    documentation: documents.config,
    perform: async ({ query }, ask) => {
      new Parameters(query, []);
      return {
        json: textOf(taskersParts(getConfig.output, await ask(getConfig, create(getConfig.input)))),
      };
    },
  },
];

function refOf({ namespace = "", name = "", version = "" }: RestRequest["params"]) {
  return { namespace, name, version };
}

function flagIn(parameters: Parameters, name: string): boolean {
  const text = parameters.text(name);
  if (text === "true") return true;
  if (text === "" || text === "false") return false;
  throw invalid(name, `is ${JSON.stringify(text.slice(0, 32))}; send true or false.`);
}

/** Whether a registered template is valid, and whether there is somebody for each of its Steps. */
async function validated({ params, query, body }: RestRequest, call: Call): Promise<Parts> {
  new Parameters(query, []);
  const unknown = Object.keys(objectIn(body).members)[0];
  if (unknown !== undefined)
    throw invalid(unknown.slice(0, 256), "is not known here; this path takes no members.");
  const within = await reserved(call, 2 * limits.messageBytes);
  const row = await run(getTemplate, { template: refOf(params) }, within);
  const { findings } = await run(validateTemplate, { source: row.source }, within);
  const texts = (wanted: string) =>
    findings.filter(({ severity }) => severity === wanted).map(({ code, message }) => `${message} (${code})`);
  const handlers = handlersOf(row, call);
  const unseen = handlers.filter(({ is_announced }) => !is_announced);
  const errors = texts("error");
  return {
    valid: errors.length === 0,
    errors,
    warnings: [
      ...texts("warning"),
      ...unseen.map(({ step, handler }) => `No Worker has ever announced ${handler}, the agent of ${step}.`),
    ],
    step_handlers: handlers,
  };
}

function handlersOf({ namespace, body }: TemplateRow, { services: { plane } }: Call) {
  return body.steps.flatMap(({ name, handler }) => {
    if (!handler) return [];
    const { callable } = handler;
    return [{ step: name, handler: callable, is_announced: plane.agent(namespace, callable) !== undefined }];
  });
}
