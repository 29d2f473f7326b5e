import { z } from "zod";
import { checked, optionalName } from "#api/validate";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListResponse,
  Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "#wire/gen/grpc/health/v1/health_pb";
import { checkKnown } from "../health.js";
import { type Call, probe, type StreamCall, serverStreaming } from "../rpc.js";

const which = z.object({ service: optionalName });

/** The standard gRPC health service, for tools and load balancers. */
export const healthService = [
  probe(HealthService.method.check, check),
  probe(HealthService.method.list, list),
  serverStreaming(HealthService.method.watch, watch),
];

function check(request: HealthCheckRequest, { health }: Call): HealthCheckResponse {
  checkKnown(health, checked(which, request).service);
  return answer(health.serving);
}

function list(_: unknown, { health }: Call): HealthListResponse {
  const statuses = Object.fromEntries(["", ...health.services].map((name) => [name, answer(health.serving)]));
  return { $typeName: "grpc.health.v1.HealthListResponse", statuses };
}

/** Watches an unknown service: yields SERVICE_UNKNOWN once, then nothing, because services are not added later. */
async function* watch(
  request: HealthCheckRequest,
  { health, signal }: StreamCall,
): AsyncIterable<HealthCheckResponse> {
  const known = health.knows(checked(which, request).service);
  if (!known) yield { ...answer(false), status: ServingStatus.SERVICE_UNKNOWN };
  for await (const serving of health.changes(signal)) if (known) yield answer(serving);
}

function answer(serving: boolean): HealthCheckResponse {
  const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  return { $typeName: "grpc.health.v1.HealthCheckResponse", status };
}
