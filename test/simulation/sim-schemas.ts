import { Fault } from "#domain/fault";
import { FITS, type Verdict } from "#domain/template/verdict";
import type { Schemas } from "#ports/schemas";
import type { Life } from "../runtime/kit/mortal.js";
import type { SimWorld } from "./sim-world.js";

/** Longer than a check and its second attempt take, with others before them. */
const LATE_MS = 8_000;

/** Everything fits; the weather decides whether that is known at once, later, or not at all. */
export function simSchemas(world: SimWorld, life: Life): Schemas {
  const { dice, weather } = world;
  const bad = (rate: number) => world.faulty && dice.chance(rate);
  return {
    known: () => (bad(weather.lateVerdicts) ? undefined : FITS),
    async judge(): Promise<Verdict> {
      world.note("a verdict is awaited");
      await world.sleep(dice.between(0, LATE_MS));
      // What a dead process had begun is never heard of again.
      if (!life.alive) return new Promise(() => {});
      if (bad(weather.noRoomForChecks)) throw new Fault("overloaded", "too many checks");
      if (bad(weather.noVerdicts)) return { type: "limit", text: "the check takes too long" };
      return FITS;
    },
    close: async () => {},
  };
}
