/** The edge of a server: the listeners in front of its plane, and whom they ask for a credential. */
import type { Access } from "#api/access/open-access";
import { TokenCallers } from "#api/access/token-callers";
import type { CredentialWakes } from "#brokers/credential-wakes";
import { hasAuth, type ServerConfig } from "#config/index";
import { AUTHORITY_ID } from "#domain/access/authority";
import { RoleTable } from "#domain/access/roles";
import type { Gateway } from "#gateway/server";
import { writeAdminKey } from "#host/access/admin-key";
import { nodeClock } from "#host/clock";
import { openTokens } from "#host/jwt/open";
import type { NodeTelemetry } from "#host/telemetry";
import { openTls, type ServerTls } from "#host/tls/open";
import type { InspectionHub } from "#inspect/hub";
import type { AuditTrail } from "#ports/audit";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";

export interface EdgeParts {
  readonly config: ServerConfig;
  readonly plane: Plane;
  readonly entropy: Entropy;
  readonly telemetry: NodeTelemetry;
  readonly schemas: Schemas;
  readonly store: Store;
  readonly wakes: CredentialWakes;
  /** Loaded by the caller, while the store opens. */
  readonly openGateway: typeof import("#gateway/server").openGateway;
  readonly hub: InspectionHub;
  /** The audit log; absent if the store keeps none. */
  readonly audit: AuditTrail | undefined;
}

export interface Edge {
  readonly gateway: Gateway;
  /** Absent if nobody is asked for a credential. */
  readonly access: Access | undefined;
  /** Absent if the listeners speak plaintext. */
  readonly tls: ServerTls | undefined;
  /** What stands behind the gateway. Call it when that has closed. */
  close(): Promise<void>;
}

/** The listeners in front of a plane. @throws {Fault} if one cannot be opened; then none stays open */
export async function openEdge(parts: EdgeParts): Promise<Edge> {
  /** What closes what is open so far, in the order in which it was opened. */
  const closers: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await openAll(parts, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openAll(
  parts: EdgeParts,
  closers: (() => void | Promise<void>)[],
): Promise<Omit<Edge, "close">> {
  const { config, plane, entropy, telemetry, schemas, store, wakes, openGateway, hub, audit } = parts;
  const { grpc, http, allowedHosts, allowedOrigins, insecure, environment } = config;
  const { log } = telemetry;
  const clock = nodeClock();
  const asks = hasAuth(config);
  const roles = new RoleTable(config.roles);
  const tokens = asks ? await openTokens(config, log, clock) : undefined;
  if (tokens) closers.push(() => tokens.close());
  const rotation = await store.enrolment?.get("authority", AUTHORITY_ID);
  const tls = await openTls(config, telemetry, {
    asksClients: asks,
    rotation,
    isShared: store.shared === true,
  });
  if (tls) closers.push(() => tls.close());
  const access = asks
    ? await (await import("#api/access/open-access")).openAccess({
        ...{ store, wakes, log, audit, clock, roles },
        retention: config.keyRetention,
        first: (text) => writeAdminKey(config.data, text),
      })
    : undefined;
  if (access) closers.push(() => access.close());
  const workers = asks
    ? await (await import("#api/enrolment/open-enrolment")).openEnrolment({
        ...{ store, log, audit, authority: tls?.authority, life: config.workerCertificate },
        ...{ plane, row: rotation, telemetry },
        now: () => clock.now(),
      })
    : undefined;
  if (workers) closers.push(() => workers.close());
  const gateway = await openGateway({
    ...{ plane, entropy, telemetry, schemas, environment, metrics: telemetry.metrics },
    ...(config.inspectPage && { inspection: hub }),
    ...{ grpc, http, allowedHosts, allowedOrigins, insecure, roles, createRates: config.createRates },
    ...(tls && { tls }),
    ...(access && { keys: access.keys, watchTokens: access.watchTokens }),
    ...(workers && { enrolment: workers.enrolment }),
    ...(tokens && { tokens: new TokenCallers(tokens, config, roles) }),
    ...(audit && store.audit && { audit: { trail: audit, store: store.audit } }),
    connections: config.connections,
    connectionsPerAddress: config.connectionsPerAddress,
  });
  return { gateway, tls, access };
}
