import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import {
  type CounterName,
  counters,
  type GaugeName,
  gauges,
  type HistogramName,
  histograms,
  type LabelledValue,
  type Log,
  type Telemetry,
} from "#ports/telemetry";
import { histogramBuckets, metricLabels } from "./metric-shapes.js";

/** The metrics for a scrape. */
export interface Metrics {
  readonly contentType: string;
  /** Returns every metric in Prometheus' text format. */
  render(): Promise<string>;
}

/**
 * What is used of a registry of prom-client; it may be of another copy of that package.
 *
 * Where metrics are measured twice, as by two planes, each needs a registry of its own.
 */
export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
  registerMetric(metric: never): void;
  getSingleMetric(name: string): unknown;
  removeSingleMetric(name: string): void;
}

export interface NodeTelemetry extends Telemetry {
  readonly metrics: Metrics;
  /** Removes the metrics from their registry. */
  close(): void;
}

export interface TelemetryOptions {
  readonly log: Log;
  /** Gets the metrics of the plane, and none of the process. Default: a registry of its own, with both. */
  readonly registry?: MetricsRegistry | undefined;
  /** Whether the process itself is measured too: its memory, processor, event loop. Default: without a registry. */
  readonly measuresProcess?: boolean;
}

/** Every metric of a plane by name. */
export const metricNames: readonly string[] = [counters, histograms, gauges].flatMap((table) =>
  Object.keys(table),
);

type ReadGauge = () => number | readonly LabelledValue[];

/** Interval of the sampler of event loop delay, in milliseconds; the default of 10 costs noticeable idle CPU. */
const LOOP_SAMPLE = 100;

/**
 * The Telemetry port by prom-client, in a registry of its own or of the host's, never in the global one, so that several
 * planes can run in one process. Measuring never throws: a measurement with wrong labels is logged once and dropped.
 *
 * @throws {Error} if the registry has metrics of these names already
 */
export function nodeTelemetry({
  log,
  registry: given,
  measuresProcess = !given,
}: TelemetryOptions): NodeTelemetry {
  const registry = (given ?? new Registry()) as Registry;
  if (measuresProcess) {
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_SAMPLE });
  }
  const counterOf = forEach(
    counters,
    (name, help) => new Counter({ ...shape(name, help), registers: [registry] }),
  );
  const histogramOf = forEach(histograms, (name, help) => {
    const buckets = [...histogramBuckets[name]];
    return new Histogram({ ...shape(name, help), buckets, registers: [registry] });
  });
  const readers = forEach(gauges, (name, help) => gaugeIn(registry, name, help));
  const safely = oncePerMetric(log);

  return {
    log,
    count: (name, labels = {}, by = 1) => safely(name, () => counterOf[name].inc(labels, by)),
    observe: (name, value, labels = {}) => safely(name, () => histogramOf[name].observe(labels, value)),
    gauge: (name, read) => void readers[name].push(read),
    metrics: { contentType: registry.contentType, render: shared(() => registry.metrics()) },
    close: () => {
      for (const name of metricNames) registry.removeSingleMetric(name);
    },
  };
}

/** Coalesces concurrent calls of `make`: rendering takes milliseconds, and scrapes may be many. */
function shared<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let making: Promise<Made> | undefined;
  return () => {
    making ??= make().finally(() => {
      making = undefined;
    });
    return making;
  };
}

function shape(name: CounterName | HistogramName | GaugeName, help: string) {
  return { name, help, labelNames: [...metricLabels[name]] as string[] };
}

/** If several readers give the same labels, the last registered one counts, as after a restart within the process. */
function gaugeIn(registry: Registry, name: GaugeName, help: string): ReadGauge[] {
  const readers: ReadGauge[] = [];
  new Gauge({
    ...shape(name, help),
    registers: [registry],
    collect() {
      this.reset();
      for (const read of readers) {
        const found = read();
        if (typeof found === "number") this.set(found);
        else for (const { labels, value } of found) this.set(labels, value);
      }
    },
  });
  return readers;
}

/** Runs measurements; logs the first failure of each metric and drops the others. */
function oncePerMetric(log: Log) {
  const complained = new Set<string>();
  return (name: string, measure: () => void): void => {
    try {
      measure();
    } catch (err) {
      if (complained.has(name)) return;
      complained.add(name);
      log.error("a measurement was refused; check its labels in host/metric-shapes.ts", {
        err,
        metric: name,
      });
    }
  };
}

function forEach<Name extends string, Made>(
  table: Readonly<Record<Name, string>>,
  make: (name: Name, help: string) => Made,
): Readonly<Record<Name, Made>> {
  const made: Partial<Record<Name, Made>> = {};
  for (const name of Object.keys(table) as Name[]) made[name] = make(name, table[name]);
  return made as Record<Name, Made>;
}
