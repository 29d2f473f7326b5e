import { align } from "../align.js";
import { quartiles } from "../quartiles.js";
import { type InFlight, inFlights, type PeerFigures, type SystemName, systems } from "./measure.js";

/** How many times as fast as graphile-worker RunTask must be, with 256 in flight. */
const LEAST = 1.2;
/** Aims on two cores; shown and not judged, since machines differ. */
const aims = { perSecond: 1_500, oneMs: 12 } as const;

/** How many times as fast RunTask is: the quartiles of the rounds' ratios, since a round is one stretch of time. */
function ratios(figures: readonly PeerFigures[], inFlight: InFlight, system: SystemName) {
  const ours = figureOf(figures, inFlight, "TaskRun").perSecond;
  const theirs = figureOf(figures, inFlight, system).perSecond;
  return quartiles(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN)));
}

function figureOf(figures: readonly PeerFigures[], inFlight: InFlight, system: SystemName): PeerFigures {
  const found = figures.find((each) => each.inFlight === inFlight && each.system === system);
  return found ?? { inFlight, system, perSecond: [], p50: [] };
}

/** What is missed, in words. */
export function missedPeers(figures: readonly PeerFigures[]): string[] {
  if (figures.length === 0) return [];
  const [, ratio] = ratios(figures, 256, "graphile-worker");
  if (ratio >= LEAST) return [];
  return [`RunTask on PostgreSQL: ${ratio.toFixed(2)} times as fast as graphile-worker, not ${LEAST}`];
}

/** The figures for people: the median of the rounds, and its quartiles in parentheses. */
export function peerTable(figures: readonly PeerFigures[]): string {
  const title = [
    "one PostgreSQL server",
    ...inFlights.map((inFlight) => `${inFlight} in flight, /s`),
    "p50 ms, one at a time",
    "RunTask is faster, 256",
  ];
  const rows = systems.map((system) => {
    const one = figureOf(figures, 1, system).p50;
    const faster = system === "TaskRun" ? "" : spread(ratios(figures, 256, system), 2);
    return [
      system,
      ...inFlights.map((inFlight) => spread(quartiles(figureOf(figures, inFlight, system).perSecond), 0)),
      spread(quartiles(one), 2),
      faster,
    ];
  });
  const aim = ["aim", "", "", `≥ ${aims.perSecond}`, `< ${aims.oneMs}`, `≥ ${LEAST} × graphile-worker`];
  return `${align([title, ...rows, aim])}\n\n${NOTE}`;
}

function spread([low, median, high]: readonly [number, number, number], digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

const NOTE = [
  "Medians and quartiles of rounds in turn. RunTask: a client process asks over gRPC, a worker process does the task, the client has",
  "the result. The others add and do a job that does nothing, in one process: less work. DBOS: one workflow of one step.",
].join("\n");
