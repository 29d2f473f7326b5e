/** Calls of rpcs that are wrong in some way, in every protocol that serves them. */
import type { DescMethod } from "@bufbuild/protobuf";
import { file_grpc_health_v1_health } from "#wire/gen/grpc/health/v1/health_pb";
import { file_grpc_reflection_v1_reflection } from "#wire/gen/grpc/reflection/v1/reflection_pb";
import { file_orchestrator_v1_orchestrator } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { file_tasker_v1_analytics } from "#wire/gen/tasker/v1/analytics_pb";
import { file_tasker_v1_config } from "#wire/gen/tasker/v1/config_pb";
import { file_tasker_v1_dlq } from "#wire/gen/tasker/v1/dlq_pb";
import { file_tasker_v1_health } from "#wire/gen/tasker/v1/health_pb";
import { file_tasker_v1_steps } from "#wire/gen/tasker/v1/steps_pb";
import { file_tasker_v1_tasks } from "#wire/gen/tasker/v1/tasks_pb";
import { file_tasker_v1_templates } from "#wire/gen/tasker/v1/templates_pb";
import { file_tasker_v1_worker } from "#wire/gen/tasker/v1/worker_pb";
import { file_taskrun_v1_access_service } from "#wire/gen/taskrun/v1/access_service_pb";
import { file_taskrun_v1_audit_service } from "#wire/gen/taskrun/v1/audit_service_pb";
import { file_taskrun_v1_authority_service } from "#wire/gen/taskrun/v1/authority_service_pb";
import { file_taskrun_v1_dead_letter_service } from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import { file_taskrun_v1_enrollment_service } from "#wire/gen/taskrun/v1/enrollment_service_pb";
import { file_taskrun_v1_node_service } from "#wire/gen/taskrun/v1/node_service_pb";
import { file_taskrun_v1_pause_service } from "#wire/gen/taskrun/v1/pause_service_pb";
import { file_taskrun_v1_run_service } from "#wire/gen/taskrun/v1/run_service_pb";
import { file_taskrun_v1_task_service } from "#wire/gen/taskrun/v1/task_service_pb";
import { file_taskrun_v1_template_service } from "#wire/gen/taskrun/v1/template_service_pb";
import { file_taskrun_v1_worker_service } from "#wire/gen/taskrun/v1/worker_service_pb";
import { Chance } from "./chance.js";
import { envelope } from "./raw/raw-http2.js";

export interface MalformedCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The protocols of a listener, as content types: those of gRPC's come by HTTP/2, the others by HTTP/1.1. */
export const protocols = {
  grpc: ["application/grpc", "application/grpc+proto", "application/grpc+json"],
  http: [
    ...["application/json", "application/proto", "application/connect+json", "application/connect+proto"],
    ...["application/grpc-web+proto", "application/grpc-web+json", "application/grpc-web-text"],
  ],
} as const;

const files = [
  ...[file_grpc_health_v1_health, file_grpc_reflection_v1_reflection, file_orchestrator_v1_orchestrator],
  ...[file_tasker_v1_analytics, file_tasker_v1_config, file_tasker_v1_dlq, file_tasker_v1_health],
  ...[file_tasker_v1_steps, file_tasker_v1_tasks, file_tasker_v1_templates, file_tasker_v1_worker],
  ...[file_taskrun_v1_access_service, file_taskrun_v1_audit_service, file_taskrun_v1_authority_service],
  ...[file_taskrun_v1_dead_letter_service, file_taskrun_v1_enrollment_service, file_taskrun_v1_node_service],
  ...[file_taskrun_v1_pause_service, file_taskrun_v1_run_service, file_taskrun_v1_task_service],
  ...[file_taskrun_v1_template_service, file_taskrun_v1_worker_service],
];
export const methods: readonly DescMethod[] = files.flatMap(({ services }) =>
  services.flatMap((service) => service.methods),
);

/** Calls without end, the same for the same seed. None has a message that could be understood and would change anything. */
export function* malformedCalls(types: readonly string[], seed: number): Generator<MalformedCall, never> {
  const chance = new Chance(seed);
  for (;;) {
    const method = chance.of(methods);
    const type = chance.of(types);
    const isFramed = !/\/(json|proto)$/.test(type);
    const message = type.endsWith("json") ? jsonOf(method, chance) : binaryOf(method, chance);
    const headers: Record<string, string> = { "content-type": type };
    for (let i = chance.below(3); i > 0; i--)
      Object.assign(headers, Object.fromEntries([chance.of(HEADERS)]));
    yield {
      path: `/${method.parent.typeName}/${method.name}`,
      headers,
      body: isFramed ? frameOf(message, chance) : message,
    };
  }
}

/** An object with a field that there is not, and with its own fields of any kind; or what is no object. */
function jsonOf({ input }: DescMethod, chance: Chance): Buffer {
  if (chance.one(4)) return Buffer.from(chance.of(TEXTS));
  const fields = input.fields
    .filter(() => chance.one(2))
    .map(({ jsonName }) => `${JSON.stringify(jsonName)}:${chance.of(VALUES)}`);
  return Buffer.from(`{${[...fields, '"nonsense":1'].join(",")}}`);
}

/** Fields by their numbers with any wire type and content, and one in the end that is cut short. */
function binaryOf({ input }: DescMethod, chance: Chance): Buffer {
  if (chance.one(4)) return bytesOf(chance, 1 + chance.below(200));
  const parts = input.fields
    .filter(() => chance.one(2))
    .flatMap(({ number }) => {
      const content = bytesOf(chance, chance.below(100));
      return [tag(number, chance.below(8)), Buffer.from([content.length]), content];
    });
  return Buffer.concat([...parts, tag(1, 2), Buffer.from([120, 1])]);
}

/** The message in its envelope, or one that is cut short, lies about its length, or says it is compressed. */
function frameOf(message: Buffer, chance: Chance): Buffer {
  switch (chance.below(8)) {
    case 0:
      return envelope(message).subarray(0, chance.below(message.length + 5));
    case 1:
      return envelope(message, chance.of([0, 1, message.length + 1, 0x7fffffff, 0xffffffff]));
    case 2:
      return envelope(message, message.length, chance.of([1, 2, 0x80, 0xff]));
    case 3:
      return Buffer.concat([envelope(message), envelope(message)]);
    default:
      return envelope(message);
  }
}

function tag(number: number, type: number): Buffer {
  const value = number * 8 + type;
  return value < 128 ? Buffer.from([value]) : Buffer.from([(value & 127) | 128, value >> 7]);
}

function bytesOf(chance: Chance, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => chance.below(256)));
}

const TEXTS = ["", "{", "null", "[]", '"x"', "5", "{]", "{}{}", "\0", "[".repeat(5_000), '{"a":'.repeat(500)];
const VALUES = [
  ...["null", "{}", "[]", "1e999", "-1", "true", '""', '"\\ud800"', "99999999999999999999"],
  ...['{"__proto__":{}}', '["x"]', '"9"', `"${"x".repeat(9_000)}"`, "[".repeat(40) + "]".repeat(40)],
];
const HEADERS: readonly (readonly [string, string])[] = [
  ...["", "1", "1Q", "-1S", "99999999999S", "0n", "1u"].map((value) => ["grpc-timeout", value] as const),
  ...["x", "-1", "99999999999"].map((value) => ["connect-timeout-ms", value] as const),
  ...["gzip", "br", "nothing", ""].flatMap((value) =>
    ["grpc-encoding", "connect-content-encoding", "content-encoding"].map((name) => [name, value] as const),
  ),
  ...["", "2", "x"].map((value) => ["connect-protocol-version", value] as const),
  ...["Bearer", "Bearer x", "Basic YTpi"].map((value) => ["authorization", value] as const),
  ...["%%%", "AA", "x".repeat(3_000)].map((value) => ["x-nonsense-bin", value] as const),
  ...["00-0-0-0", "x".repeat(500)].map((value) => ["traceparent", value] as const),
  ...["", "k", "x".repeat(3_000)].map((value) => ["idempotency-key", value] as const),
];
