import { silentTelemetry } from "#host/silent-telemetry";
import type { CounterName, Telemetry } from "#ports/telemetry";

type Labels = Readonly<Record<string, string>>;

/** Keeps what is counted, so that a test can ask. */
export function countingTelemetry() {
  const raised: { name: CounterName; labels: Labels; by: number }[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry(),
    count: (name, labels = {}, by = 1) => void raised.push({ name, labels, by }),
  };
  const counted = (name: CounterName, wanted: Labels = {}): number =>
    raised
      .filter((each) => each.name === name)
      .filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
      .reduce((sum, { by }) => sum + by, 0);
  return { telemetry, counted };
}
