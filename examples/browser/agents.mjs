import { setTimeout as sleep } from "node:timers/promises";
import { agent } from "taskrun/worker";
import { z } from "zod";

/** Counts, ten numbers a second. */
export const count = agent({
  name: "count",
  input: z.object({ to: z.int().min(1).max(1_000) }),
  async *run({ to }, { signal }) {
    for (let i = 1; i <= to; i++) {
      yield `${i}\n`;
      await sleep(100, undefined, { signal });
    }
    return { to };
  },
});
