import { seededEntropy } from "#testing/virtual-time";

/** All the chance there is in one simulated world. */
export interface Dice {
  /** Uniform in [0, 1). */
  draw(): number;
  chance(probability: number): boolean;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

export function diceOf(seed: number): Dice {
  const { draw } = seededEntropy(seed);
  return {
    draw,
    chance: (probability) => draw() < probability,
    between: (least, most) => least + Math.floor(draw() * (most - least + 1)),
    pick: (items) => {
      const item = items[Math.floor(draw() * items.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
  };
}
