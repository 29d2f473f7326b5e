import { resolve } from "node:path";
import { checkedClient } from "#client/client";
import { type ServerConfig, type SettingName, serverConfig } from "#config/index";
import { isPostgresUrl } from "#domain/postgres-url";
import { givenLog } from "#host/given-log";
import { createLog, logLevels, logPort } from "#host/log";
import { type MetricsRegistry, metricNames } from "#host/telemetry";
import type { XStateInspect } from "#inspect/observer";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import type { Log, Telemetry } from "#ports/telemetry";
import { serverStore } from "#stores/shared/server-store";
import { hostTracing, openTracing } from "#tracing/open";
import type { OpenTracing } from "#tracing/options";
import { isHttpUrl } from "#tracing/target";
import { isLog } from "#worker/agent/log";
import { servedAgents } from "#worker/agent/served-agent";
import type { TaskRunOptions } from "./options.js";
import { type Templates, templatesOf } from "./templates.js";
import { optionsOf, shown } from "./values.js";

/** The options of a start, checked and complete. */
export interface Checked {
  readonly store: Store;
  /** Of the database, if the store is given by one. */
  readonly url: string;
  /** True if its directory is the plane's to write to. */
  readonly hasData: boolean;
  readonly config: ServerConfig;
  readonly log: Log;
  readonly registry: MetricsRegistry | undefined;
  /** Opens the traces that the options want. */
  readonly openTraces: (log: Log, count: Telemetry["count"]) => Promise<OpenTracing | undefined>;
  readonly templates: Templates;
  readonly agents: NonNullable<TaskRunOptions["agents"]>;
  readonly client: NonNullable<TaskRunOptions["client"]>;
  readonly inspect: XStateInspect | undefined;
  readonly drainMs: number;
}

/** The options that are settings of a server, and how a server calls them. */
const settings = {
  data: "data",
  retention: "retention",
  deadLetterRetention: "dead-letter-retention",
  retentionOf: "retention-of",
  exportTo: "export-to",
  prices: "prices",
  staleDependencies: "stale-dependencies",
  staleRetry: "stale-retry",
  staleInProcess: "stale-in-process",
  staleWorker: "stale-worker",
  staleHeld: "stale-held",
  staleLifetime: "stale-lifetime",
  lease: "lease",
  heartbeat: "heartbeat",
  publicLease: "public-lease",
  environment: "environment",
  budgets: "budgets",
  acceptClock: "accept-clock",
  inspectPayloads: "inspect-payloads",
  orchestratorAgents: "orchestrator-agents",
  auditCheckpoints: "audit-checkpoints",
  auditSyslog: "audit-syslog",
  auditRetention: "audit-retention",
} as const satisfies Partial<Record<keyof TaskRunOptions, SettingName>>;

/** Every option of a start. */
export const optionNames = [
  "store",
  "agents",
  "templates",
  "log",
  "metrics",
  "tracing",
  "client",
  "inspect",
  "drainMs",
  ...(Object.keys(settings) as (keyof typeof settings)[]),
] as const satisfies readonly (keyof TaskRunOptions)[];

/**
 * Checks all options before anything is opened.
 *
 * @throws {TypeError | RangeError} naming the option that is wrong, and what it may be
 */
export function checkedOptions(given: TaskRunOptions): Checked {
  const options = optionsOf(given, "options", optionNames);
  const { agents = [], drainMs = limits.workerDrain } = options;
  if (!Array.isArray(agents)) throw new TypeError(`agents is ${shown(agents)}: send a list of agents.`);
  if (agents.length > 0) servedAgents(agents);
  if (typeof drainMs !== "number" || !(drainMs >= 0)) {
    throw new RangeError(`drainMs is ${shown(drainMs)}: send milliseconds, 0 or more.`);
  }
  const config = configOf(options);
  const client = optionsOf(options.client, "client", ["namespace", "timeoutMs"]);
  checkedClient(client);
  return {
    config,
    agents,
    drainMs,
    log: logOf(options.log),
    registry: registryOf(options.metrics),
    openTraces: tracesOf(options.tracing),
    templates: templatesOf(options.templates),
    client,
    inspect: inspectOf(options.inspect),
    store: storeOf(options, config),
    url: typeof options.store === "string" ? options.store : "",
    hasData: (options.store ?? "sqlite") === "sqlite",
  };
}

function inspectOf(inspect: TaskRunOptions["inspect"]): XStateInspect | undefined {
  if (inspect === undefined || typeof inspect === "function") return inspect;
  if (typeof inspect === "object" && inspect !== null && typeof inspect.next === "function") return inspect;
  throw new TypeError(
    `inspect is ${shown(inspect)}: send an observer with \`next\`, as createWebSocketInspector().inspect is, or a function.`,
  );
}

function configOf(options: TaskRunOptions): ServerConfig {
  const given = Object.entries(settings).map(([name, setting]) => {
    return [setting, options[name as keyof typeof settings]] as const;
  });
  const optionOf = (setting: SettingName) => {
    return Object.entries(settings).find(([, each]) => each === setting)?.[0] ?? setting;
  };
  try {
    return serverConfig(Object.fromEntries(given), optionOf);
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error });
  }
}

function storeOf({ store = "sqlite", data }: TaskRunOptions, config: ServerConfig): Store {
  if (store === "sqlite") return serverStore({ store, data: resolve(config.data) });
  if (data !== undefined) {
    throw new TypeError(
      "data is the directory of the sqlite store, and another store is given: leave it out.",
    );
  }
  if (store === "memory") return serverStore({ store, data: "" });
  if (typeof store === "string") return databaseOf(store);
  const { boot, commit, reads } = (store ?? {}) as Partial<Store>;
  if (typeof boot === "function" && typeof commit === "function" && typeof reads === "object") return store;
  throw new TypeError(
    `store is ${shown(store)}: send "sqlite", "memory", the URL of a database or a Store; the directory is the option data.`,
  );
}

function databaseOf(store: string): Store {
  if (!isPostgresUrl(store)) {
    // A slip in the scheme must not show a password.
    const said = store.includes("://") ? "a URL of another kind" : shown(store);
    throw new TypeError(
      `store is ${said}: send "sqlite", "memory", postgres://USER@HOST:PORT/DATABASE or a Store; the directory is the option data.`,
    );
  }
  try {
    return serverStore({ store: store as `postgres://${string}`, data: "" });
  } catch (error) {
    throw new RangeError(`store: the URL ${(error as Error).message}`, { cause: error });
  }
}

function logOf(log: TaskRunOptions["log"] = "warn"): Log {
  if (typeof log === "string") {
    const level = logLevels.find((each) => each === log);
    if (level) return logPort(createLog({ level }));
  } else if (isLog(log)) {
    return givenLog(log);
  }
  throw new TypeError(
    `log is ${shown(log)}: send a logger of pino, an object with debug, info, warn and error, or a level.`,
  );
}

function tracesOf(tracing: TaskRunOptions["tracing"]): Checked["openTraces"] {
  if (tracing === undefined) return (log) => hostTracing(log);
  if (tracing === false) return async () => undefined;
  if (tracing === true) return wantedOfHost;
  const { otlp } = optionsOf(tracing, "tracing", ["otlp"]);
  if (typeof otlp !== "string" || !isHttpUrl(otlp)) {
    throw new TypeError(
      `tracing.otlp is ${shown(otlp)}: send the URL of a collector, for example "http://localhost:4318".`,
    );
  }
  return (log, count) =>
    openTracing({ otlp, env: process.env, service: "taskrun", hasAgents: true, log, count });
}

async function wantedOfHost(log: Log): Promise<OpenTracing | undefined> {
  const traces = await hostTracing(log);
  if (!traces)
    log.warn("tracing is true, but this process has not registered a tracer provider: nothing is traced");
  return traces;
}

function registryOf(metrics: TaskRunOptions["metrics"]): MetricsRegistry | undefined {
  const { registry } = optionsOf(metrics, "metrics", ["registry"]);
  if (registry === undefined) return undefined;
  const wanted = ["metrics", "registerMetric", "getSingleMetric", "removeSingleMetric"] as const;
  if (
    typeof registry !== "object" ||
    registry === null ||
    wanted.some((each) => typeof registry[each] !== "function")
  ) {
    throw new TypeError(`metrics.registry is ${shown(registry)}: send a Registry of prom-client.`);
  }
  const taken = metricNames.find((name) => registry.getSingleMetric(name) !== undefined);
  if (taken === undefined) return registry;
  throw new RangeError(
    `metrics.registry has ${taken} already, of another plane: give each a registry of its own, or stop that one first.`,
  );
}
