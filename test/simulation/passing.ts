import type { SimWorld } from "./sim-world.js";

/** Now and then, while the storm lasts. */
export function storm(world: SimWorld, everyMs: number, strike: () => void): void {
  if (!Number.isFinite(everyMs)) return;
  const wait = Math.ceil(-Math.log(1 - world.dice.draw()) * everyMs);
  world.after(wait, () => {
    if (!world.faulty) return;
    strike();
    storm(world, everyMs, strike);
  });
}

/** Time goes by; stops at the first broken promise. @param look called after each second */
export async function pass(world: SimWorld, ms: number, look: () => void = () => {}): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    await world.clock.advance(Math.min(left, 1_000));
    if (!world.broken) world.check(look);
    if (world.broken) throw world.broken;
  }
}
