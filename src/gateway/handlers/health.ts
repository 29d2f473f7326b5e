import { z } from "zod";
import {
  type HealthCheckResponse,
  type HealthListResponse,
  Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "#wire/gen/grpc/health/v1/health_pb";
import { checkKnown } from "../health.js";
import { type Call, type StreamCall, serverStreaming, unary } from "../rpc.js";
import { optionalName } from "../validate.js";

const which = z.object({ service: optionalName });
type Which = z.output<typeof which>;

/** Health checks, as gRPC tools and load balancers make them. */
export const healthService = [
  unary(HealthService.method.check, which, check),
  unary(HealthService.method.list, z.unknown(), list),
  serverStreaming(HealthService.method.watch, which, watch),
];

async function check({ service }: Which, { health }: Call): Promise<HealthCheckResponse> {
  checkKnown(health, service);
  return answer(health.serving);
}

async function list(_: unknown, { health }: Call): Promise<HealthListResponse> {
  const statuses = Object.fromEntries(["", ...health.services].map((name) => [name, answer(health.serving)]));
  return { $typeName: "grpc.health.v1.HealthListResponse", statuses };
}

/** Services do not appear later, so an unknown one is told once and the stream then stays silent. */
async function* watch(
  { service }: Which,
  { health, signal }: StreamCall,
): AsyncIterable<HealthCheckResponse> {
  const known = health.knows(service);
  if (!known) yield { ...answer(false), status: ServingStatus.SERVICE_UNKNOWN };
  for await (const serving of health.changes(signal)) if (known) yield answer(serving);
}

function answer(serving: boolean): HealthCheckResponse {
  const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  return { $typeName: "grpc.health.v1.HealthCheckResponse", status };
}
