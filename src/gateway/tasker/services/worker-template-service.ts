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
import { type TemplateListShape, templateShape } from "../shapes/template-shape.js";
import { taskerTemplates } from "../templates.js";
import { given } from "./structs.js";

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

function listToWire({ templates, namespaces }: TemplateListShape): WorkerTemplateListResponse {
  return create(WorkerTemplateListResponseSchema, {
    supportedNamespaces: namespaces.map(({ name }) => name),
    templateCount: BigInt(templates.length),
    // The types of Steps that templates may have.
    workerCapabilities: [...stepTypes],
  });
}

function templateToWire(row: TemplateRow): WorkerTemplateResponse {
  const { name, namespace, version, steps, ...shape } = templateShape(row);
  const description = given(shape.description);
  const definitions = steps.map(
    ({ defaultRetryable: retryable, defaultMaxAttempts: maxAttempts, ...step }) => {
      return { name: step.name, description: given(step.description), retryable, maxAttempts };
    },
  );
  return create(WorkerTemplateResponseSchema, {
    template: { name, namespace, version, description, steps: definitions },
    handlerMetadata: {
      ...{ namespace, handlerName: name, version, description },
      stepNames: steps.map((step) => step.name),
    },
    cached: false,
  });
}
