import { expect, test } from "vitest";
import { runNodesSeed } from "./run-nodes-seed.js";

/** More of them by night: NODES_SEEDS=10000 NODES_FROM=1000. */
const SEEDS = Number(process.env.NODES_SEEDS ?? 40);
const FROM = Number(process.env.NODES_FROM ?? 1);
const NODES = Number(process.env.NODES ?? 1);

test(
  `${SEEDS} worlds of nodes that are killed, stand still, and are cut from store and broker keep every promise`,
  async () => {
    const given = { nodes: NODES };
    for (let seed = FROM; seed < FROM + SEEDS; seed += 1) {
      const lived = await runNodesSeed(seed, given);
      // A difference is chance, or time, that came in beside the ports.
      if (seed % 100 === 0)
        expect({ seed, ...(await runNodesSeed(seed, given)) }).toEqual({ seed, ...lived });
    }
  },
  60_000 + SEEDS * 2_000,
);
