import { type Dice, diceOf } from "./dice.js";

/** Which faults there are in one world, and how often: chances by the event, or mean times between two. */
export interface Weather {
  readonly planeKillEveryMs: number;
  readonly workerCrashEveryMs: number;
  readonly workerPauseEveryMs: number;
  readonly cutEveryMs: number;
  /** How much later the plane, or the worker, learns of a cut. */
  readonly halfOpenMs: number;
  readonly networkMs: number;
  readonly storeMs: number;
  readonly slowCommit: number;
  readonly commitFails: number;
  readonly evil: boolean;
  readonly publicWorker: boolean;
  readonly declines: number;
  readonly fails: number;
  readonly hangs: number;
  readonly cancels: number;
  readonly mailbox: number;
  readonly capacity: number;
  readonly tasks: number;
  /** How many of the tasks are of a template. */
  readonly workflows: number;
  readonly yields: number;
  readonly signals: number;
  /** How many checks by a schema take time; of these, how many find no verdict, and how many no room at first. */
  readonly lateVerdicts: number;
  readonly noVerdicts: number;
  readonly noRoomForChecks: number;
  /** How many Steps have an agent that journals what it does. */
  readonly journals: number;
  /** Of what must happen once, how much a person is asked about when it is in doubt. */
  readonly holds: number;
  /** How often somebody who looks resets a Step that seems to hang. */
  readonly resets: number;
}

const NEVER_MS = Number.POSITIVE_INFINITY;

/** Draws what was added to the weather after the rest, by dice of its own: a seed without it is the world that it was. */
const APART = 2 ** 30;

/** Each fault is there or not, so that in some worlds every defence stands alone. */
export function weatherOf(dice: Dice, seed: number): Weather {
  const apart = diceOf(seed + APART);
  const every = (least: number, most: number) => (dice.chance(0.5) ? dice.between(least, most) : NEVER_MS);
  const rate = (most: number) => (dice.chance(0.5) ? dice.draw() * most : 0);
  return {
    planeKillEveryMs: every(10_000, 90_000),
    workerCrashEveryMs: every(20_000, 120_000),
    workerPauseEveryMs: every(20_000, 120_000),
    cutEveryMs: every(5_000, 60_000),
    halfOpenMs: dice.chance(0.5) ? dice.between(0, 60_000) : 0,
    networkMs: dice.between(0, 300),
    storeMs: dice.between(0, 30),
    slowCommit: rate(0.05),
    commitFails: rate(0.2),
    evil: dice.chance(0.5),
    publicWorker: dice.chance(0.4),
    declines: rate(0.3),
    fails: rate(0.5),
    hangs: rate(0.2),
    cancels: rate(0.6),
    mailbox: dice.chance(0.2) ? dice.between(2, 6) : 1_024,
    capacity: dice.between(1, 4),
    tasks: dice.between(4, 16),
    workflows: rate(1),
    yields: rate(0.2),
    signals: rate(1),
    lateVerdicts: rate(1),
    noVerdicts: rate(0.3),
    noRoomForChecks: rate(0.5),
    journals: apart.chance(0.6) ? apart.draw() : 0,
    holds: apart.chance(0.6) ? apart.draw() : 0,
    resets: apart.chance(0.6) ? apart.draw() * 0.5 : 0,
  };
}
