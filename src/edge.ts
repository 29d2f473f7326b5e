/** The edge of a server: the listeners in front of its plane, and whom they ask for a credential. */
import type { Access } from "#api/access/open-access";
import { TokenCallers } from "#api/access/token-callers";
import type { CredentialWakes } from "#brokers/credential-wakes";
import { hasAuth, type ServerConfig } from "#config/index";
import { OPEN_POLICY, type Policy, policyWords } from "#config/policy-words";
import { AUTHORITY_ID } from "#domain/access/authority";
import { RoleTable } from "#domain/access/roles";
import type { Gateway, GatewayAccess } from "#gateway/server";
import { writeAdminKey } from "#host/access/admin-key";
import { recordChange } from "#host/audit/changes";
import { nodeClock } from "#host/clock";
import { openTokens } from "#host/jwt/open";
import { factsOf } from "#host/server-facts";
import type { NodeTelemetry } from "#host/telemetry";
import { openTls, type ServerTls } from "#host/tls/open";
import type { InspectionHub } from "#inspect/hub";
import type { AuditStore, AuditTrail } from "#ports/audit";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";

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
  const { config, plane, entropy, telemetry, schemas, store, openGateway, hub, audit } = parts;
  const { grpc, http, compat, allowedHosts, allowedOrigins, insecure, environment } = config;
  const { tls, access, admission, close } = await openAdmission(parts);
  try {
    const gateway = await openGateway({
      ...{ plane, entropy, telemetry, schemas, environment, metrics: telemetry.metrics },
      facts: factsOf(config),
      ...(config.inspectPage && { inspection: hub }),
      ...{ grpc, http, compat, allowedHosts, allowedOrigins, insecure },
      ...{ createRates: config.createRates, openWatchers: config.openWatchers, budgets: config.budgets },
      ...admission,
      ...(tls && { tls }),
      ...(audit && store.audit && { audit: { trail: audit, store: store.audit } }),
      orchestratorAgents: config.orchestratorAgents,
      connections: config.connections,
      connectionsPerAddress: config.connectionsPerAddress,
    });
    return { gateway, tls, access, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface AdmissionParts extends Pick<EdgeParts, "store" | "wakes" | "audit"> {
  readonly plane: Pick<Plane, "nodes">;
  readonly config: AdmissionSettings;
  readonly telemetry: Telemetry;
  /** Opens the API keys, or has them open already, for whoever closes them. Default: they are opened, and closed with the rest. */
  readonly keys?: () => Promise<Access>;
}

/** The settings of a server that say who is let in. */
export type AdmissionSettings = Policy &
  Pick<
    ServerConfig,
    | "data"
    | "tlsKey"
    | "issuerCert"
    | "issuerKey"
    | "grpc"
    | "http"
    | "compat"
    | "allowedHosts"
    | "keyRetention"
  >;

/** How listeners prove who they are, and know who calls. */
export interface Admission {
  /** Absent if they speak plaintext. */
  readonly tls: ServerTls | undefined;
  /** Absent if nobody is asked for a credential. */
  readonly access: Access | undefined;
  /** What a gateway is given. */
  readonly admission: GatewayAccess & { readonly roles: RoleTable };
  /** Call it when nothing listens any more. */
  close(): Promise<void>;
}

/** Opens certificates, keys, tokens and enrolment, as the settings say. @throws {Fault} if one cannot be used; then none stays open */
export async function openAdmission(parts: AdmissionParts): Promise<Admission> {
  const closers: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await admit(parts, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function admit(
  parts: AdmissionParts,
  closers: (() => void | Promise<void>)[],
): Promise<Omit<Admission, "close">> {
  const { config, plane, store, audit, telemetry } = parts;
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
  const access = asks ? await (parts.keys?.() ?? openKeys(parts)) : undefined;
  if (access && !parts.keys) closers.push(() => access.close());
  const workers = asks
    ? await (await import("#api/enrolment/open-enrolment")).openEnrolment({
        ...{
          store,
          log,
          audit,
          authority: tls?.authority,
          rotating: tls?.rotating,
          life: config.workerCertificate,
        },
        ...{ plane, row: rotation, telemetry },
        now: () => clock.now(),
      })
    : undefined;
  if (workers) closers.push(() => workers.close());
  if (audit && store.audit) await recordInForce(audit, store.audit, config, tls);
  const admission = {
    roles,
    ...(access && { keys: access.keys, watchTokens: access.watchTokens }),
    ...(workers && { enrolment: workers.enrolment }),
    ...(config.clientCa && { clientCertificates: config.clientCertificates }),
    ...(tokens && { tokens: new TokenCallers(tokens, config, roles, audit) }),
  };
  return { tls, access, admission };
}

/** The API keys of a store, with the first one, which lies in the data directory. */
export async function openKeys({
  config,
  store,
  wakes,
  audit,
  telemetry,
}: Omit<AdmissionParts, "config" | "plane"> & {
  readonly config: Pick<AdmissionSettings, "data" | "keyRetention" | "roles">;
}): Promise<Access> {
  const { openAccess } = await import("#api/access/open-access");
  return openAccess({
    ...{ store, wakes, log: telemetry.log, audit, clock: nodeClock(), roles: new RoleTable(config.roles) },
    retention: config.keyRetention,
    first: (text) => writeAdminKey(config.data, text),
  });
}

/** Tells the audit log of a policy or an authority that is not the one of the start before: before anybody is let in by it. */
async function recordInForce(
  trail: AuditTrail,
  store: AuditStore,
  config: Policy,
  tls: ServerTls | undefined,
): Promise<void> {
  const policy = { action: "policy.change", object: "server", detail: policyWords(config) };
  await recordChange(trail, store, policy, OPEN_POLICY);
  if (tls?.pin) await recordChange(trail, store, { action: "ca.change", object: "ca", detail: tls.pin });
}
