import { expect, test } from "vitest";
import { createLog, logPort } from "#host/log";
import { histogramBuckets, metricLabels } from "#host/metric-shapes";
import { nodeTelemetry } from "#host/telemetry";
import { type CounterName, counters, gauges, type HistogramName, histograms } from "#ports/telemetry";

function start() {
  const lines: string[] = [];
  const log = createLog({ level: "info", readable: false, sink: { write: (line) => lines.push(line) } });
  return { telemetry: nodeTelemetry({ log: logPort(log) }), lines };
}

test("counts, measures and gauges come out in Prometheus' text format", async () => {
  const { telemetry } = start();
  telemetry.count("taskrun_tasks_created_total");
  telemetry.count("taskrun_tasks_created_total", {}, 4);
  telemetry.count("taskrun_tasks_finished_total", { status: "COMPLETED" });
  telemetry.observe("taskrun_commit_seconds", 0.0004);
  telemetry.gauge("taskrun_runs_held", () => 7);
  telemetry.gauge("taskrun_mailbox_messages", () => [{ labels: { actor: "scheduler" }, value: 2 }]);

  const text = await telemetry.metrics.render();
  expect(telemetry.metrics.contentType).toContain("text/plain");
  for (const line of [
    "taskrun_tasks_created_total 5",
    'taskrun_tasks_finished_total{status="COMPLETED"} 1',
    'taskrun_commit_seconds_bucket{le="0.00025"} 0',
    'taskrun_commit_seconds_bucket{le="0.0005"} 1',
    "taskrun_runs_held 7",
    'taskrun_mailbox_messages{actor="scheduler"} 2',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("a gauge is read anew by each scrape, and labels that are gone do not linger", async () => {
  const { telemetry } = start();
  let values = [{ labels: { status: "IDLE" }, value: 1 }];
  telemetry.gauge("taskrun_workers_connected", () => values);
  await telemetry.metrics.render();

  values = [{ labels: { status: "BUSY" }, value: 1 }];
  const text = await telemetry.metrics.render();
  expect(text.match(/^taskrun_workers_connected.*$/gm)).toEqual([
    'taskrun_workers_connected{status="BUSY"} 1',
  ]);
});

test("every metric takes the labels its shape names", async () => {
  const { telemetry, lines } = start();
  const labelsOf = (name: keyof typeof metricLabels) =>
    Object.fromEntries(metricLabels[name].map((label) => [label, "x"]));
  for (const name of Object.keys(counters) as CounterName[]) telemetry.count(name, labelsOf(name));
  for (const name of Object.keys(histograms) as HistogramName[]) telemetry.observe(name, 1, labelsOf(name));

  expect(lines).toEqual([]);
  expect(Object.keys(metricLabels).sort()).toEqual(
    Object.keys({ ...counters, ...histograms, ...gauges }).sort(),
  );
});

test("a measurement with a label unknown to its metric is logged once and never throws", () => {
  const { telemetry, lines } = start();
  for (let i = 0; i < 3; i++) telemetry.count("taskrun_turns_total", { taskId: "t1" });

  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("taskrun_turns_total");
});

test("buckets grow", () => {
  for (const bounds of Object.values(histogramBuckets)) {
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
  }
});

test("two planes in one process keep their counts apart", async () => {
  const [a, b] = [start().telemetry, start().telemetry];
  a.count("taskrun_tasks_created_total");

  expect(await b.metrics.render()).toContain("\ntaskrun_tasks_created_total 0\n");
});

test("the log port hands on message and fields", () => {
  const { telemetry, lines } = start();
  telemetry.log.warn("worker silent", { workerId: "w1" });
  telemetry.log.info("ready");

  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "warn", msg: "worker silent", workerId: "w1" },
    { level: "info", msg: "ready" },
  ]);
});

test("those who ask at once share one rendering, and the next one is new", async () => {
  let read = 0;
  const { telemetry } = start();
  telemetry.gauge("taskrun_runs_held", () => {
    read += 1;
    return 1;
  });
  const { metrics } = telemetry;
  await Promise.all([metrics.render(), metrics.render(), metrics.render()]);
  expect(read).toBe(1);
  await metrics.render();
  expect(read).toBe(2);
});
