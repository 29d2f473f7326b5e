import { align } from "./align.js";
import type { ShapeName, WorkflowFigures } from "./workflows.js";

/** What we aim for on two cores, p50 in milliseconds; shown and not judged, since machines differ. */
const aims = {
  fanMs: 500,
  perSecond: 600,
  commits: 2,
  cpuMs: 0.4,
} as const;

interface ShapeTitle {
  readonly title: string;
  /** In milliseconds; 0 where we have set ourselves none. */
  readonly aim: number;
  /** The p50 that Tasker's documentation gives for the same shape, in milliseconds. */
  readonly theirs: string;
}

const titles: Readonly<Record<ShapeName, ShapeTitle>> = {
  linear_workflow: { title: "linear, 4 steps", aim: 8, theirs: "255" },
  diamond_workflow: { title: "diamond, 4 steps", aim: 0, theirs: "200–259" },
  reconcile_accounts: { title: "graph of 7 steps", aim: 10, theirs: "382" },
  count_primes: { title: "tree of 8 steps", aim: 12, theirs: "389–426" },
  approval_routing: { title: "decision, 4 of 6 steps", aim: 0, theirs: "251–262" },
  csv_products: { title: "1 000 rows in 5 batches", aim: 50, theirs: "358–368" },
};

const note = [
  "Tasker's figures are those of its documentation, of a cluster of 10 processes with RabbitMQ. On what hardware is",
  "not stated there, so the two columns compare orders of magnitude, not machines.",
].join("\n");

/** The figures for people. */
export function workflowTables({ shapes, fan, perSecond, alone, together }: WorkflowFigures): string[] {
  const latencies = [
    ["workflows, create to completed, warm, best round", "p50 ms", "p99 ms", "p50 aim", "", "Tasker's p50"],
  ];
  for (const [name, { title, aim, theirs }] of Object.entries(titles)) {
    const measured = shapes[name as ShapeName];
    if (!measured) continue;
    const { p50, p99 } = measured;
    const judged = aim === 0 ? ["", ""] : [`< ${aim}`, verdict(p50 < aim)];
    latencies.push([title, p50.toFixed(2), p99.toFixed(2), ...judged, theirs]);
  }
  const fanVerdict = verdict(fan.p50 < aims.fanMs);
  latencies.push([
    "fan of 1 000 steps",
    fan.p50.toFixed(0),
    fan.p99.toFixed(0),
    `< ${aims.fanMs}`,
    fanVerdict,
    "",
  ]);

  const costs = [
    ["workflows of 4 steps", "one at a time", "90 at once", "aim", ""],
    ["workflows/s", "", perSecond.toFixed(0), `≥ ${aims.perSecond}`, verdict(perSecond >= aims.perSecond)],
    cost("commits a step", alone.commits, together.commits, aims.commits),
    cost("server CPU a step, ms", alone.cpuMs, together.cpuMs, aims.cpuMs),
  ];
  return [align(latencies), align(costs), note];
}

/** Judged in both columns: one at a time nothing shares a commit, and together nothing waits. */
function cost(title: string, alone: number, together: number, aim: number): string[] {
  const verdicts = [verdict(alone <= aim), verdict(together <= aim)];
  return [title, alone.toFixed(2), together.toFixed(2), `≤ ${aim}`, [...new Set(verdicts)].join(", ")];
}

function verdict(met: boolean): string {
  return met ? "met" : "missed";
}
