import { create } from "@bufbuild/protobuf";
import { getTemplate } from "#api/templates/get-template";
import { stepTypes, type TemplateRow } from "#domain/template/template";
import { limits } from "#limits/index";
import {
  type WorkerTemplateListResponse,
  WorkerTemplateListResponseSchema,
  type WorkerTemplateResponse,
  WorkerTemplateResponseSchema,
  WorkerTemplateService,
} from "#wire/gen/tasker/v1/worker_pb";
import { composed, unary } from "../../rpc.js";
import { stepDefinitions, type TemplateList, taskerTemplates } from "../templates.js";

/**
 * The WorkerTemplateService of Tasker: the templates of the server, whose workers need none of their own. So there is no cache of them
 * whose numbers could be shown, even if they are asked for.
 */
export const workerTemplateService = [
  composed(
    WorkerTemplateService.method.listTemplates,
    limits.messageBytes,
    async ({ namespace = "" }, call) => listToWire(await taskerTemplates(namespace, call)),
  ),
  unary(WorkerTemplateService.method.getTemplate, getTemplate, (template) => ({ template }), templateToWire),
];

function listToWire({ templates, namespaces }: TemplateList): WorkerTemplateListResponse {
  return create(WorkerTemplateListResponseSchema, {
    supportedNamespaces: namespaces.map(({ name }) => name),
    templateCount: BigInt(templates.length),
    // The types of Steps that templates may have.
    workerCapabilities: [...stepTypes],
  });
}

function templateToWire(row: TemplateRow): WorkerTemplateResponse {
  const { name, namespace, version, body } = row;
  const { description } = body;
  const stepNames = body.steps.map((step) => step.name);
  return create(WorkerTemplateResponseSchema, {
    template: { name, namespace, version, description, steps: stepDefinitions(row) },
    handlerMetadata: { namespace, handlerName: name, version, description, stepNames },
    cached: false,
  });
}
