import { untilTimeIsUp } from "../kit.js";
import { envelope, grpcRequest, session } from "../raw.js";
import type { Target } from "../target.js";

/** Twenty connections of a hundred calls that announce 4 MiB in five bytes and send nothing of it. */
export async function announcedEnvelopes(target: Target): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    const http2 = session(target, i);
    for (let k = 0; k < 100; k += 1) {
      const path =
        k % 2 === 0 ? "/taskrun.v1.TaskService/CreateTask" : "/taskrun.v1.RunService/StreamConnect";
      grpcRequest(http2, path).write(envelope(Buffer.alloc(0), 4 * 1024 * 1024));
    }
  }
  await untilTimeIsUp(target);
}
