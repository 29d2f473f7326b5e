import { flood, floodNames } from "../../raw/floods.js";
import { bothPorts, type Target } from "../../target.js";

/** Frames that carry nothing, of each kind, as fast as they are taken. */
export async function frameFloods(target: Target): Promise<void> {
  await Promise.all(bothPorts.flatMap((port) => floodNames.map((name) => flood(target, port, name))));
}
