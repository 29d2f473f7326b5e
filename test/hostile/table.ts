/** What one attack came to. */
export interface Row {
  readonly name: string;
  /** Gates that did not hold, in words. */
  readonly failures: readonly string[];
  readonly notes: string;
  readonly peakMb: number;
  /** Honest Tasks that were done meanwhile. */
  readonly tasks: number;
  /** How long the honest client's calls took, in ms, sorted. */
  readonly calls: readonly number[];
}

/** Aims for the honest client, not gates: p99 below so many times that beside a busy loop, no call longer. */
const P99_TIMES = 10;
const LONGEST_MS = 2_000;

/** The rows beside the first of them, the baseline; `!` marks what misses its aim. */
export function tableOf(baseline: Row, rows: readonly Row[]): string {
  const heads = ["", "gates", "MB", "Tasks", "p50 ms", "p99 ms", "times", "longest", "aim"];
  const lines = [baseline, ...rows].map((row) => cells(row, baseline));
  const widths = heads.map((head, i) =>
    Math.max(head.length, ...lines.map((line) => (line[i] ?? "").length)),
  );
  const write = (line: readonly string[]) =>
    line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return [heads, ...lines].map((line) => write(line).trimEnd()).join("\n");
}

function cells({ name, failures, peakMb, tasks, calls }: Row, baseline: Row): string[] {
  const gates = failures.length === 0 ? "ok" : "FAILED";
  const known = [name, gates, `${peakMb}`, `${Math.floor(tasks)}`];
  if (calls.length === 0) return [...known, "-", "-", "-", "-", "!"];
  const [p50, p99, longest] = [percentile(calls, 0.5), percentile(calls, 0.99), percentile(calls, 1)];
  const times = p99 / percentile(baseline.calls, 0.99);
  const misses = times >= P99_TIMES || longest >= LONGEST_MS;
  return [...known, p50.toFixed(1), p99.toFixed(0), times.toFixed(1), longest.toFixed(0), misses ? "!" : ""];
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
