import type { StaleTerms } from "#domain/task/staleness";
import type { Millis } from "#domain/time/time";
import { parseDuration, type Setting } from "./setting.js";
import { duration } from "./values.js";

const bounds = duration("1s", "3650d");

/** When a Task that rests is to be looked at. */
export const staleness = {
  "stale-dependencies": {
    ...bounds,
    fallback: "60m",
    help: "How long a task may wait for its steps or a signal before it is stale: see dead letters.",
  },
  "stale-retry": {
    ...bounds,
    fallback: "30m",
    help: "The same for an attempt whose time has come.",
  },
  "stale-in-process": {
    ...bounds,
    fallback: "30m",
    help: "The same for steps at work of which no worker is heard.",
  },
  "stale-worker": {
    ...bounds,
    fallback: "30m",
    help: "The same for a worker that takes a ready step.",
  },
  "stale-held": {
    ...bounds,
    fallback: "24h",
    help: "The same for an operator, after a failure.",
  },
  "stale-lifetime": {
    ...bounds,
    fallback: "24h",
    help: "How long a task may take in all before it is stale, unless something is ahead of it.",
  },
} as const satisfies Record<string, Setting>;

/** The terms of a server that says nothing of them. */
export const defaultStaleTerms: StaleTerms = {
  waitingForDependencies: parseDuration(staleness["stale-dependencies"].fallback),
  waitingForRetry: parseDuration(staleness["stale-retry"].fallback),
  stepsInProcess: parseDuration(staleness["stale-in-process"].fallback),
  waitingForWorker: parseDuration(staleness["stale-worker"].fallback),
  held: parseDuration(staleness["stale-held"].fallback),
  lifetime: parseDuration(staleness["stale-lifetime"].fallback),
};

/** The terms that the settings say. */
export function staleTerms(setting: (name: keyof typeof staleness) => Millis): StaleTerms {
  return {
    waitingForDependencies: setting("stale-dependencies"),
    waitingForRetry: setting("stale-retry"),
    stepsInProcess: setting("stale-in-process"),
    waitingForWorker: setting("stale-worker"),
    held: setting("stale-held"),
    lifetime: setting("stale-lifetime"),
  };
}
