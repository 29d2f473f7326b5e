import { auditRecord } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import { type Gateway, type GatewaySettings, openGateway } from "#gateway/server";
import { jsonSchemas } from "#host/schemas";
import type { AuditTrail, Refusal } from "#ports/audit";
import type { Telemetry } from "#ports/telemetry";
import { MemoryAudit } from "#stores/memory/audit";
import { FakePlane } from "./fake-plane.js";

export interface Counted {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
}

export interface Opened {
  readonly plane: FakePlane;
  readonly gateway: Gateway;
  readonly counted: Counted[];
  readonly errors: unknown[];
  /** What the audit log was told was refused. */
  readonly refused: Refusal[];
  readonly grpcPort: number;
  readonly httpPort: number;
}

/** A gateway on free ports of 127.0.0.1, before a fake plane. The caller closes them. */
export async function open(settings: Partial<Omit<GatewaySettings, "plane">> = {}): Promise<Opened> {
  const plane = new FakePlane();
  const counted: Counted[] = [];
  const errors: unknown[] = [];
  const quiet = () => undefined;
  const telemetry: Telemetry = {
    log: { debug: quiet, info: quiet, warn: quiet, error: (_, fields) => errors.push(fields?.err) },
    count: (name, labels) => counted.push({ name, labels }),
    observe: quiet,
    gauge: quiet,
  };
  const store = new MemoryAudit();
  const said = { actor: "key:a", action: "worker.drain", object: "worker w-1" };
  store.add({ chain: "server", records: [auditRecord({ at: instant(1_700_000_000_000), ...said })] });
  const refused: Refusal[] = [];
  const trail: AuditTrail = {
    chain: "server",
    refused: (refusal) => refused.push(refusal),
    record: async () => {},
    committed: quiet,
  };
  let drawn = 0;
  const gateway = await openGateway({
    plane,
    entropy: { uuid: () => `id-${String(++drawn).padStart(4, "0")}`, draw: () => 0.5 },
    telemetry,
    schemas: jsonSchemas(),
    environment: "test",
    metrics: { contentType: "text/plain; version=0.0.4", render: async () => "taskrun_up 1\n" },
    grpc: ["127.0.0.1:0"],
    http: ["127.0.0.1:0"],
    audit: { trail, store },
    ...settings,
  });
  const portOf = (address = "") => Number(address.split(":").at(-1));
  return {
    plane,
    gateway,
    counted,
    errors,
    refused,
    grpcPort: portOf(gateway.grpc[0]),
    httpPort: portOf(gateway.http[0]),
  };
}
