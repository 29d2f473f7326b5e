import { cpus } from "node:os";
import { align } from "./align.js";
import { type EndFigures, endTable, missedEnds } from "./ends.js";
import { type PlaneFigures, RATIO_LEAST, type RateName, rateNames } from "./measures.js";
import type { PeerFigures } from "./peers/measure.js";
import { missedPeers, peerTable } from "./peers/report.js";
import { missedSteps, type StepFigures, stepTable } from "./steps.js";
import { missedTls, type TlsFigures, tlsTable } from "./tls.js";
import { workflowTables } from "./workflow-report.js";
import type { WorkflowFigures } from "./workflows.js";

/** From a SIGKILL to the first request served, whatever the machine. */
const RESTART_MOST_MS = 3_000;

/** What we aim for on two cores; shown beside the figures and not judged, since machines differ. */
const aims = { many: 2_500, p50Ms: 4, idlePercent: 1 } as const;

const titles: Readonly<Record<RateName, string>> = {
  one: "tasks/s, one at a time",
  many: "tasks/s, 64 in flight",
  batch: "tasks/s, by BatchCreateTasks",
  chunks: "output chunks/s, worker to watcher",
};

export interface Results {
  readonly planes: readonly PlaneFigures[];
  readonly idlePercent?: number;
  readonly bytesPerWorker?: number;
  readonly ends?: readonly EndFigures[];
  readonly steps?: StepFigures;
  readonly workflows?: WorkflowFigures;
  /** With TLS, beside without. */
  readonly tls?: readonly TlsFigures[];
  /** Over PostgreSQL, beside other systems. */
  readonly peers?: readonly PeerFigures[];
}

/** What is missed, in words; nothing if all holds. */
export function missed({ planes, ends = [], steps, tls = [], peers = [] }: Results): string[] {
  return [
    ...missedPlanes(planes),
    ...missedEnds(ends),
    ...(steps ? missedSteps(steps) : []),
    ...missedTls(tls),
    ...missedPeers(peers),
  ];
}

function missedPlanes([few, many]: readonly PlaneFigures[]): string[] {
  if (!few || !many) return [];

  const slow = [few, many]
    .filter(({ restartMs }) => restartMs > RESTART_MOST_MS)
    .map(({ waiting, restartMs }) => {
      return `with ${waiting} waiting it served ${Math.round(restartMs)} ms after SIGKILL, not within ${RESTART_MOST_MS} ms`;
    });
  const worse = rateNames.flatMap((name) => {
    const ratio = ratioOf(few.rates[name], many.rates[name]);
    if (ratio === undefined || ratio >= RATIO_LEAST) return [];
    return [
      `${titles[name]}: with ${many.waiting} waiting ${ratio.toFixed(2)} of that with ${few.waiting}, not ${RATIO_LEAST}`,
    ];
  });
  return [...slow, ...worse];
}

function ratioOf(few: number | undefined, many: number | undefined): number | undefined {
  return few === undefined || many === undefined ? undefined : many / few;
}

/** The figures for people. */
export function tableOf(results: Results): string {
  const [few, many] = results.planes;
  const rows: string[][] = [];
  if (few && many) {
    rows.push(["", `${few.waiting} waiting`, `${many.waiting} waiting`, "ratio", "must be", "aim"]);
    for (const name of rateNames) {
      const [a, b] = [few.rates[name], many.rates[name]];
      const ratio = ratioOf(a, b);
      if (a === undefined || b === undefined || ratio === undefined) continue;
      const aim = name === "many" ? String(aims.many) : "";
      rows.push([titles[name], a.toFixed(0), b.toFixed(0), ratio.toFixed(2), `≥ ${RATIO_LEAST}`, aim]);
    }
    if (few.latency && many.latency) {
      const [a, b] = [few.latency, many.latency];
      rows.push([
        "create to completed, p50 ms",
        a.p50.toFixed(2),
        b.p50.toFixed(2),
        "",
        "",
        `< ${aims.p50Ms}`,
      ]);
      rows.push(["create to completed, p99 ms", a.p99.toFixed(2), b.p99.toFixed(2), "", "", ""]);
    }
    const [a, b] = [few.restartMs.toFixed(0), many.restartMs.toFixed(0)];
    rows.push(["SIGKILL to serving again, ms", a, b, "", `≤ ${RESTART_MOST_MS}`, ""]);
  }
  const { idlePercent, bytesPerWorker, ends, steps, workflows, tls, peers } = results;
  if (idlePercent !== undefined)
    rows.push(["idle CPU, %", idlePercent.toFixed(2), "", "", "", `< ${aims.idlePercent}`]);
  if (bytesPerWorker !== undefined)
    rows.push(["memory per idle worker, KiB", (bytesPerWorker / 1_024).toFixed(1), "", "", "", ""]);
  return [
    ...(rows.length > 0 ? [align(rows)] : []),
    ...(ends ? [endTable(ends)] : []),
    ...(steps ? [stepTable(steps)] : []),
    ...(workflows ? workflowTables(workflows) : []),
    ...(tls ? [tlsTable(tls)] : []),
    ...(peers ? [peerTable(peers)] : []),
  ].join("\n\n");
}

/** The figures for programs, with what they were measured on. */
export function jsonOf(results: Results, quick: boolean): string {
  const machine = { node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model ?? "" };
  return `${JSON.stringify({ at: new Date().toISOString(), quick, machine, ...results, missed: missed(results) }, null, 2)}\n`;
}
