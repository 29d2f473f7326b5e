import { limits } from "#limits/index";
import { millis } from "../time/time.js";

/** The defaults of a template. */
export const planDefaults = {
  maxAttempts: 3,
  maxLosses: limits.defaultLosses,
  backoff: "exponential",
  baseMs: millis(1_000),
  maxMs: millis(30_000),
  jitter: 0.1,
  batchSize: 1_000,
  parallelism: 10,
  cursorField: "id",
  concurrency: 10,
  failure: "fail_fast",
} as const;
