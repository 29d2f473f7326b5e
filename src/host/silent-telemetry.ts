import type { Telemetry } from "#ports/telemetry";

const nothing = () => {};

/** Returns a telemetry that drops everything, for tests and embedders. */
export function silentTelemetry(): Telemetry {
  return {
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    count: nothing,
    observe: nothing,
    gauge: nothing,
  };
}
