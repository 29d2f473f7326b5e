import { silentTelemetry } from "#host/silent-telemetry";
import type { CounterName, Telemetry } from "#ports/telemetry";

type Labels = Readonly<Record<string, string>>;

/** Keeps what is counted, and what is logged as an error, less the store's, so that a test can ask. */
export function countingTelemetry() {
  const raised: { name: CounterName; labels: Labels; by: number }[] = [];
  const errors: string[] = [];
  const silent = silentTelemetry();
  const telemetry: Telemetry = {
    ...silent,
    log: {
      ...silent.log,
      error: (message, { err } = {}) => {
        if (!message.startsWith("the store")) errors.push(`${message}: ${err}`);
      },
    },
    count: (name, labels = {}, by = 1) => void raised.push({ name, labels, by }),
  };
  const counted = (name: CounterName, wanted: Labels = {}): number =>
    raised
      .filter((each) => each.name === name)
      .filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
      .reduce((sum, { by }) => sum + by, 0);
  return { telemetry, counted, errors };
}
