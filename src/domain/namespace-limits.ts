import { Fault } from "./fault.js";
import type { Millis } from "./time/time.js";

/** A number for each namespace; `*` is each that is not named. */
export type ByNamespace = ReadonlyMap<string, number>;

/** What holds for a namespace; undefined if nothing does. */
export function limitOf(limits: ByNamespace, namespace: string): number | undefined {
  return limits.get(namespace) ?? limits.get("*");
}

/** What an operator lets each namespace have of what the plane itself counts. */
export interface NamespaceLimits {
  /** Tasks that wait for their first Run. */
  readonly waitingTasks: ByNamespace;
  /** Bytes that Runs write in a day. */
  readonly dailyOutput: ByNamespace;
}

export const noNamespaceLimits: NamespaceLimits = { waitingTasks: new Map(), dailyOutput: new Map() };

/** A limit that a namespace has reached. */
export interface ReachedLimit {
  /** The setting that would raise it. */
  readonly setting: "waiting-tasks" | "open-watchers" | "daily-output";
  /** Of the setting, in its unit. */
  readonly limit: number;
  /** What the namespace has, with its number, e.g. `3 waiting tasks`. */
  readonly has: string;
  /** What may help, in words. */
  readonly way: string;
  readonly retryAfter: Millis;
}

/** The refusal of what would go over the limit of a namespace. Nothing of it is stored. */
export function namespaceFull(namespace: string, reached: ReachedLimit): Fault {
  const { setting, limit, has, way, retryAfter } = reached;
  const message = `namespace "${namespace}" has ${has}, the most that ${setting} lets it have: nothing was stored; ${way}`;
  return new Fault("overloaded", message, {
    reason: setting.replace("-", "_").toUpperCase(),
    retryAfter,
    metadata: { namespace, setting, limit: String(limit) },
  });
}

const DAY = 86_400_000;

/** The number of the day that an instant lies in; days begin at midnight, UTC. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY);
}

/** When a day begins, in Unix milliseconds. */
export function beginOfDay(day: number): number {
  return day * DAY;
}
