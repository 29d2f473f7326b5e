import type { Telemetry } from "#ports/telemetry";

const nothing = () => {};

/** For tests, and for embedders who do not care: takes everything, keeps nothing. */
export function silentTelemetry(): Telemetry {
  return {
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    count: nothing,
    observe: nothing,
    gauge: nothing,
  };
}
