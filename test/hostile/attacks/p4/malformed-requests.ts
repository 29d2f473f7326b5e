import { Fuzz } from "../../fuzz.js";
import { flood, tally } from "../../kit.js";
import type { Target } from "../../target.js";

const MOST = 20_000;

/** Every operation and every rpc with bodies, queries and headers that are wrong, over all listeners: each is refused, and none by 500. */
export async function malformedRequests(target: Target): Promise<void> {
  const { grpcPort, httpPort } = target;
  const others = { taskerPort: grpcPort, taskerWorkerPort: httpPort, orchestratorPort: grpcPort };
  const fuzz = await Fuzz.of({ ...others, ...target });
  target.signal.addEventListener("abort", () => fuzz.close());
  await flood(target, { lanes: 16, most: MOST }, async (i) => {
    await fuzz.send(i);
    tally.accepted = fuzz.accepted;
    tally.refused = fuzz.sent - fuzz.accepted;
  });
  fuzz.close();
  const { wrong } = fuzz;
  if (wrong.length > 0)
    throw new Error(`${wrong.length} were answered 500, the first ${wrong[0]?.slice(0, 400)}`);
}
