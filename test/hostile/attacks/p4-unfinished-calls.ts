import { untilTimeIsUp } from "../kit.js";
import { envelope, grpcRequest, session } from "../raw.js";
import type { Target } from "../target.js";

/** Unary calls that have said all but the last, on connections that answer every ping. */
export async function unfinishedCalls(target: Target): Promise<void> {
  for (let i = 0; i < 40; i += 1) {
    const http2 = session(target, i);
    for (let k = 0; k < 100; k += 1) {
      grpcRequest(http2, "/taskrun.v1.TaskService/CreateTask").write(
        envelope(Buffer.alloc(0)).subarray(0, k % 6),
      );
    }
  }
  await untilTimeIsUp(target);
}
