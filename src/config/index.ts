/**
 * The settings of a server: what each is called, means and may be. Every value goes through the same schema, so
 * that a mistake is reported alike wherever it was made, before anything starts. Where values come from (flags,
 * the environment, a file) is `cli/server/settings.ts`.
 */
import { resolve } from "node:path";
import type { z } from "zod";
import { type CustomRoles, RoleTable } from "#domain/access/roles";
import type { CompatAddress } from "#domain/compat";
import type { DefaultBudgets } from "#domain/task/budget";
import type { RetentionRule } from "#domain/task/retention";
import type { StaleTerms } from "#domain/task/staleness";
import type { Millis } from "#domain/time/time";
import { audit } from "./audit.js";
import { clientCertificateProblems, clientCertificates } from "./client-certificates.js";
import { inspect, inspectors, inspectProblems } from "./inspect.js";
import { jwt, jwtProblems, jwtSettings } from "./jwt.js";
import { leaseProblems, leases } from "./leases.js";
import { exposed, listenerProblems, listeners } from "./listeners.js";
import { type LogLevel, log } from "./log.js";
import { namespaceLimits, namespaceSettings } from "./namespace-limits.js";
import { paths } from "./paths.js";
import { prices } from "./prices.js";
import { retention } from "./retention.js";
import { roles } from "./roles.js";
import { ConfigError, type Setting } from "./setting.js";
import { staleness, staleTerms } from "./staleness.js";
import { store } from "./store.js";
import { templates } from "./templates.js";
import { hasAuth, hasTls, tls, tlsProblems } from "./tls.js";
import { traces } from "./traces.js";

export { defaultTerms } from "./leases.js";
export type { LogLevel } from "./log.js";
export { defaultDeadLetterRetention, defaultRetention } from "./retention.js";
export { ConfigError, parseDuration, type Setting } from "./setting.js";
export { defaultStaleTerms } from "./staleness.js";
export { hasAuth, hasTls } from "./tls.js";

/** The name of a setting in the file. Written out, so that no type of zod stands in what embedders import. */
export type SettingName =
  | "data"
  | "store"
  | "grpc"
  | "http"
  | "compat"
  | "orchestrator-agents"
  | "allowed-hosts"
  | "allowed-origins"
  | "tls"
  | "issuer-cert"
  | "issuer-key"
  | "tls-cert"
  | "tls-key"
  | "worker-certificate"
  | "auth"
  | "key-retention"
  | "roles"
  | "client-ca"
  | "client-certificates"
  | "jwt-keys"
  | "jwt-issuer"
  | "jwt-audience"
  | "jwt-algorithms"
  | "jwt-principal-claim"
  | "jwt-role-claim"
  | "jwt-roles"
  | "jwt-namespaces-claim"
  | "create-rates"
  | "budgets"
  | "waiting-tasks"
  | "open-watchers"
  | "daily-output"
  | "insecure"
  | "connections"
  | "connections-per-address"
  | "lease"
  | "heartbeat"
  | "public-lease"
  | "retention"
  | "dead-letter-retention"
  | "retention-of"
  | "export-to"
  | "stale-dependencies"
  | "stale-retry"
  | "stale-in-process"
  | "stale-worker"
  | "stale-held"
  | "stale-lifetime"
  | "accept-clock"
  | "audit-checkpoints"
  | "audit-syslog"
  | "audit-retention"
  | "environment"
  | "templates"
  | "prices"
  | "inspect"
  | "inspect-payloads"
  | "log-level"
  | "otlp";

const checked = {
  ...store,
  ...listeners,
  ...tls,
  ...roles,
  ...clientCertificates,
  ...jwt,
  ...namespaceLimits,
  ...leases,
  ...retention,
  ...staleness,
  ...audit,
  ...templates,
  ...prices,
  ...inspect,
  ...log,
  ...traces,
} as const satisfies Record<SettingName, Setting>;

/**
 * Every setting by its name in the file. A flag is `--name`, a variable `TASKRUN_NAME` with `_` for `-`. The table in
 * `docs/operating.md` is made from them (`npm run docs`).
 */
export const settings: Readonly<Record<SettingName, Setting>> = checked;

export const settingNames = Object.keys(settings) as SettingName[];

/** All settings of a server, checked. Times are milliseconds. */
export interface ServerConfig {
  /** Absolute path. */
  readonly data: string;
  readonly store: "sqlite" | "memory" | `postgres://${string}`;
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  /** Further addresses, for clients of other systems. */
  readonly compat: readonly CompatAddress[];
  /** Those of workers that do not say what they run; empty for those that were asked for. */
  readonly orchestratorAgents: readonly string[];
  readonly allowedHosts: readonly string[];
  /** As browsers send them. */
  readonly allowedOrigins: readonly string[];
  readonly tls: "off" | "auto";
  /** Absolute path, or empty. */
  readonly tlsCert: string;
  /** Absolute path, or empty. */
  readonly tlsKey: string;
  /** Absolute path, or empty. */
  readonly issuerCert: string;
  /** Absolute path, or empty. */
  readonly issuerKey: string;
  readonly workerCertificate: Millis;
  readonly auth: "auto" | "on" | "off";
  readonly keyRetention: Millis;
  /** Roles beside the built-in ones. */
  readonly roles: CustomRoles;
  /** Absolute path, or empty. */
  readonly clientCa: string;
  /** By the names in certificates. */
  readonly clientCertificates: ReadonlyMap<
    string,
    { readonly role: string; readonly namespaces: readonly string[] | "*" }
  >;
  /** URL of a JWKS, absolute path of a file, or empty. */
  readonly jwtKeys: string;
  readonly jwtIssuer: string;
  readonly jwtAudience: readonly string[];
  readonly jwtAlgorithms: readonly string[];
  readonly jwtPrincipalClaim: string;
  readonly jwtRoleClaim: string;
  /** Roles by the values of the claim; empty if those are the names of roles. */
  readonly jwtRoles: ReadonlyMap<string, string>;
  readonly jwtNamespacesClaim: string;
  /** Tasks a second, by namespace. */
  readonly createRates: ReadonlyMap<string, number>;
  /** What Tasks may use that ask for no budget, by namespace and agent. */
  readonly budgets: DefaultBudgets;
  /** Tasks that may wait, by namespace. */
  readonly waitingTasks: ReadonlyMap<string, number>;
  /** By namespace. */
  readonly openWatchers: ReadonlyMap<string, number>;
  /** Bytes, by namespace. */
  readonly dailyOutput: ReadonlyMap<string, number>;
  readonly insecure: boolean;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly lease: Millis;
  readonly heartbeat: Millis;
  readonly publicLease: Millis;
  readonly retention: Millis;
  readonly deadLetterRetention: Millis;
  /** Those with a status go before those without. */
  readonly retentionOf: readonly RetentionRule[];
  /** Absolute path, or empty. */
  readonly exportTo: string;
  /** When a Task that rests is to be looked at. */
  readonly stale: StaleTerms;
  readonly acceptClock: boolean;
  /** Absolute path, or empty. */
  readonly auditCheckpoints: string;
  /** `tcp://HOST:PORT`, `udp://HOST:PORT`, or empty. */
  readonly auditSyslog: string;
  readonly auditRetention: Millis;
  readonly environment: string;
  /** Absolute path, or empty. */
  readonly templates: string;
  /** Absolute path, or empty. */
  readonly prices: string;
  /** Addresses of inspector servers. */
  readonly inspect: readonly string[];
  /** True if the HTTP listeners have the page of the inspector. */
  readonly inspectPage: boolean;
  readonly inspectPayloads: boolean;
  readonly logLevel: LogLevel;
  /** Base URL of a collector of traces, or empty. */
  readonly otlp: string;
}

type Checked<Name extends SettingName> = z.output<(typeof checked)[Name]["schema"]>;

/**
 * A whole configuration from the values that are given and the defaults of all others.
 *
 * @param origin where a setting was given, in words that lead the reader there
 * @throws {ConfigError} naming everything that is wrong, a line each
 */
export function serverConfig(
  given: Readonly<Partial<Record<SettingName, unknown>>> = {},
  origin: (name: SettingName) => string = (name) => name,
): ServerConfig {
  const problems: string[] = [];
  const setting = <Name extends SettingName>(name: Name): Checked<Name> => {
    const { schema, fallback } = checked[name];
    const value = given[name] ?? fallback;
    const parsed = schema.safeParse(value);
    for (const { path, message } of parsed.error?.issues ?? []) {
      const element = Array.isArray(value) && path.length > 0 ? value[Number(path[0])] : undefined;
      problems.push(`${origin(name)}: ${element === undefined ? "" : `"${element}" `}${message}`);
    }
    return (parsed.success ? parsed.data : schema.parse(fallback)) as Checked<Name>;
  };

  const http = setting("http");
  const { servers, page } = inspectors(setting("inspect"), http);
  const config: ServerConfig = {
    data: resolve(setting("data")),
    store: setting("store"),
    grpc: setting("grpc"),
    http,
    compat: setting("compat"),
    orchestratorAgents: setting("orchestrator-agents"),
    allowedHosts: setting("allowed-hosts"),
    allowedOrigins: setting("allowed-origins"),
    tls: setting("tls"),
    workerCertificate: setting("worker-certificate"),
    issuerCert: setting("issuer-cert") && resolve(setting("issuer-cert")),
    issuerKey: setting("issuer-key") && resolve(setting("issuer-key")),
    tlsCert: setting("tls-cert") && resolve(setting("tls-cert")),
    tlsKey: setting("tls-key") && resolve(setting("tls-key")),
    auth: setting("auth"),
    keyRetention: setting("key-retention"),
    roles: setting("roles"),
    clientCa: setting("client-ca") && resolve(setting("client-ca")),
    clientCertificates: setting("client-certificates"),
    ...jwtSettings(setting),
    ...namespaceSettings(setting),
    insecure: setting("insecure"),
    connections: setting("connections"),
    connectionsPerAddress: setting("connections-per-address"),
    lease: setting("lease"),
    heartbeat: setting("heartbeat"),
    publicLease: setting("public-lease"),
    retention: setting("retention"),
    deadLetterRetention: setting("dead-letter-retention"),
    retentionOf: setting("retention-of"),
    ...paths(setting),
    stale: staleTerms(setting),
    acceptClock: setting("accept-clock"),
    auditSyslog: setting("audit-syslog"),
    auditRetention: setting("audit-retention"),
    environment: setting("environment"),
    inspect: servers,
    inspectPage: page,
    inspectPayloads: setting("inspect-payloads"),
    logLevel: setting("log-level"),
    otlp: setting("otlp"),
  };
  const roleNames = new RoleTable(config.roles).names;
  problems.push(
    ...leaseProblems(config),
    ...listenerProblems({ ...reachOf(config), insecure: config.insecure }),
    ...tlsProblems(config),
    ...jwtProblems({ ...config, auth: hasAuth(config), roles: roleNames }),
    ...clientCertificateProblems({ ...config, ...reachOf(config), roles: roleNames }),
    ...inspectProblems(servers, config.insecure),
  );
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return config;
}

function reachOf(config: ServerConfig) {
  const { grpc, http, compat } = config;
  return { grpc, http, compat, isTls: hasTls(config), isAuthenticated: hasAuth(config) };
}

/** The addresses that other machines can reach without TLS and authentication. */
export function exposedBy(config: ServerConfig): string[] {
  return exposed(reachOf(config));
}
