import { millis } from "#domain/time/time";
import type { BrokerWeather } from "../../runtime/kit/broker-double.js";
import type { Dice } from "../dice.js";
import { type Weather, weatherOf } from "../weather.js";

/** What can befall a world of several nodes, beyond what can befall any: chances by the event, or mean times between two. */
export interface NodesWeather extends Weather {
  readonly nodes: number;
  readonly nodeKillEveryMs: number;
  readonly nodePauseEveryMs: number;
  /** A node does not reach the store for a while. */
  readonly storeCutEveryMs: number;
  readonly brokerCutEveryMs: number;
  /** No node reaches the store, for up to 2 s every 5 to 10 s. */
  readonly storeGone: boolean;
  /** How many commits of which nobody learns at first whether they have landed. */
  readonly unknownCommits: number;
  /** How far the rates of clocks are from that of the world, at most. */
  readonly clockRate: number;
  /** How far wall clocks are from that of the world, at most. */
  readonly wallAheadMs: number;
  readonly broker: BrokerWeather;
  /** No wake ever arrives: nodes only poll. */
  readonly brokerless: boolean;
  readonly caches: boolean;
  /** Tasks whose single operations are asked of any node at the same time, and must look as if one had done all. */
  readonly contested: number;
}

const NEVER_MS = Number.POSITIVE_INFINITY;

export function nodesWeatherOf(dice: Dice, seed: number): NodesWeather {
  const every = (least: number, most: number) => (dice.chance(0.5) ? dice.between(least, most) : NEVER_MS);
  const rate = (most: number) => (dice.chance(0.5) ? dice.draw() * most : 0);
  const base = weatherOf(dice, seed);
  return {
    ...base,
    tasks: dice.between(3, 8),
    nodes: dice.between(1, 5),
    nodeKillEveryMs: every(10_000, 40_000),
    nodePauseEveryMs: every(10_000, 40_000),
    storeCutEveryMs: every(10_000, 40_000),
    brokerCutEveryMs: every(10_000, 60_000),
    storeGone: dice.chance(0.4),
    unknownCommits: rate(0.1),
    clockRate: dice.chance(0.5) ? 0.01 : 0,
    wallAheadMs: dice.chance(0.5) ? 10_000 : 0,
    broker: {
      lost: rate(0.5),
      doubled: rate(0.3),
      delay: millis(dice.chance(0.7) ? dice.between(1, 3_000) : 1),
    },
    brokerless: dice.chance(0.15),
    caches: dice.chance(0.7),
    contested: dice.between(1, 3),
  };
}
