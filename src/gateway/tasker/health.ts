import type { ServerFacts } from "#api/config/server-facts";
import type { Instant } from "#domain/time/time";
import type { Health } from "../health.js";

/** How one part of the server is: `disabled` and `unknown` are no problems. */
export type PartStatus = "healthy" | "degraded" | "unhealthy" | "disabled" | "unknown";

export interface PartHealth {
  readonly status: PartStatus;
  readonly message?: string;
}

/** What the server is doing, in Tasker's words. */
export type OperationalState = "startup" | "normal" | "graceful_shutdown";

/** The parts of a server that Tasker's health checks name. Nothing is asked for a check: each is what the server knows already. */
export interface HealthParts {
  readonly store: PartHealth;
  readonly circuitBreaker: PartHealth;
  readonly orchestration: PartHealth;
  readonly commands: PartHealth;
  readonly workers: PartHealth;
  readonly notMeasured: PartHealth;
}

/** The health of a server for Tasker's answers, over gRPC and REST. */
export interface TaskerHealth {
  readonly at: Instant;
  /** Whether requests are served. */
  readonly isReady: boolean;
  /** Whether there is also nothing that an operator should look at. */
  readonly isWell: boolean;
  readonly state: OperationalState;
  readonly parts: HealthParts;
  readonly uptimeSeconds: number;
}

const HEALTHY: PartHealth = { status: "healthy" };

/** @param now of the plane */
export function taskerHealth(
  health: Health,
  { startedAt }: Pick<ServerFacts, "startedAt">,
  now: Instant,
): TaskerHealth {
  const { status, parked, store, clock } = health.report;
  const state = health.draining ? "graceful_shutdown" : health.serving ? "normal" : "startup";
  const serving: PartHealth =
    state === "normal" ? HEALTHY : { status: "unhealthy", message: `is in ${state}` };
  return {
    at: now,
    isReady: health.serving,
    isWell: status === "healthy",
    state,
    parts: {
      store: store
        ? { status: "unhealthy", message: `cannot be reached since ${new Date(store.since).toISOString()}` }
        : HEALTHY,
      circuitBreaker: { status: "disabled", message: "there are none: each wait is bounded instead" },
      orchestration: clock && state === "normal" ? { status: "degraded", message: clock.message } : serving,
      commands: parked
        ? { status: "degraded", message: `${parked.count} messages cannot be decided and are retried` }
        : HEALTHY,
      workers: serving,
      notMeasured: { status: "unknown", message: "is not measured for this check: see /metrics" },
    },
    uptimeSeconds: Math.max(0, Math.floor((now - startedAt) / 1_000)),
  };
}
