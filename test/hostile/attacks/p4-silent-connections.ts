import { flood } from "../kit.js";
import { socket } from "../raw.js";
import type { Target } from "../target.js";

/** Connections that are opened and say nothing, as many as the server takes, to both listeners. */
export async function silentConnections(target: Target): Promise<void> {
  await flood(target, { lanes: 50, most: 6_000 }, async (i) => {
    const opened = socket(target, i);
    if (i % 3 === 0) opened.write("P"); // may be either protocol yet
    await new Promise((resolve) => opened.once("connect", resolve).once("close", resolve));
  });
}
