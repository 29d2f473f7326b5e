import { checkedClient } from "#client/client";
import type { ClientOptions } from "#client/index";
import { defaultTerms } from "#config/index";
import { type Instant, instant, type Millis, millis } from "#domain/time/time";
import type { LeaseTerms } from "#domain/worker/worker";
import { type Templates, templatesOf } from "#embedded/templates";
import { optionsOf, shown } from "#embedded/values";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import { isLog } from "#worker/agent/log";
import type { Agent } from "#worker/index";
import { spanOf } from "./span.js";

/**
 * Options of {@link testPlane}. All may be left out.
 *
 * @example
 * ```ts
 * import { testPlane, type TestPlaneOptions } from "taskrun/testing";
 *
 * const options: TestPlaneOptions = { templates: "./workflows", start: "2030-02-28T12:00:00Z", lease: "1m" };
 * await using plane = await testPlane(options);
 * ```
 */
export interface TestPlaneOptions {
  /** Agents that the first worker, `worker-1`, serves. Default: none, and no worker. */
  readonly agents?: readonly Agent[];
  /** The path of a folder, which is read once, or a list of texts in YAML or JSON, of objects with the same keys, and of workflows. */
  readonly templates?: string | readonly (string | object)[];
  /** When virtual time begins. Default 2030-01-01T00:00:00Z. */
  readonly start?: Date | string | number;
  /** Ids, backoff and everything random follow from it. Default 1. */
  readonly seed?: number;
  /** How long a worker may be silent before its Runs are lost, as for a server. Default `30s`. */
  readonly lease?: string | number;
  /** How often a worker speaks. Default `5s`. */
  readonly heartbeat?: string | number;
  /** Concurrent Runs of the first worker. Default 10. */
  readonly maxRuns?: number;
  /** Whose overrides of a template apply. Default `development`. */
  readonly environment?: string;
  /** Defaults of `plane.client`, as of `createClient`. */
  readonly client?: Omit<ClientOptions, "addr">;
  /**
   * How long virtual time stands still for an agent that works in real time, in real milliseconds for each Run: files, other
   * processes, timers of its own. Default 100.
   */
  readonly agentPatienceMs?: number;
  /** Where plane and workers log. Default: nowhere. */
  readonly log?: Log;
}

const names = [
  ...["agents", "templates", "start", "seed", "lease", "heartbeat", "maxRuns"],
  ...["environment", "client", "agentPatienceMs", "log"],
] as readonly (keyof TestPlaneOptions & string)[];

/** The options, checked and complete. */
export interface CheckedOptions {
  readonly agents: readonly Agent[];
  readonly templates: Templates;
  readonly start: Instant;
  readonly seed: number;
  readonly terms: LeaseTerms;
  readonly maxRuns: number;
  readonly environment: string;
  readonly client: NonNullable<TestPlaneOptions["client"]>;
  readonly agentPatienceMs: number;
  readonly log: Log;
}

/** @throws {TypeError | RangeError} naming the option that is wrong */
export function checkedOptions(given: TestPlaneOptions): CheckedOptions {
  const options = optionsOf(given, "options", names);
  const {
    agents = [],
    seed = 1,
    maxRuns = limits.defaultRunsPerWorker,
    environment = "development",
  } = options;
  const { agentPatienceMs = limits.agentPatience, client = {}, log = silentTelemetry().log } = options;
  if (!Array.isArray(agents)) throw new TypeError(`agents is ${shown(agents)}: send a list of agents.`);
  optionsOf(client, "client", ["namespace", "timeoutMs"]);
  checkedClient(client);
  if (!isLog(log)) {
    throw new TypeError(`log is ${shown(log)}: send an object with debug, info, warn and error.`);
  }
  if (typeof environment !== "string" || environment === "") {
    throw new TypeError(`environment is ${shown(environment)}: send the name of one, such as "production".`);
  }
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed is ${shown(seed)}: send a whole number.`);
  return {
    agents,
    seed,
    maxRuns,
    environment,
    client,
    log,
    templates: templatesOf(options.templates),
    start: startOf(options.start),
    terms: termsOf(options),
    agentPatienceMs: spanOf(agentPatienceMs, "agentPatienceMs"),
  };
}

function startOf(start: TestPlaneOptions["start"] = "2030-01-01T00:00:00Z"): Instant {
  const at = new Date(start).getTime();
  if (Number.isFinite(at) && at > 0) return instant(at);
  throw new RangeError(
    `start is ${shown(start)}: send a Date, a date as text, or Unix milliseconds after 0.`,
  );
}

function termsOf({ lease, heartbeat }: TestPlaneOptions): LeaseTerms {
  const terms = {
    ...defaultTerms,
    ...(lease !== undefined && { lease: spanOf(lease, "lease") }),
    ...(heartbeat !== undefined && { heartbeat: spanOf(heartbeat, "heartbeat") }),
  };
  // A shorter lease alone takes more frequent heartbeats with it, as an operator would set both.
  const least = heartbeat === undefined ? millis(Math.floor(terms.lease / 2)) : terms.heartbeat;
  const beat = Math.min(terms.heartbeat, least) as Millis;
  if (beat >= 1 && 2 * beat <= terms.lease) return { ...terms, heartbeat: beat };
  throw new RangeError(`lease is ${terms.lease} ms: send at least two heartbeats, which are ${beat} ms.`);
}
