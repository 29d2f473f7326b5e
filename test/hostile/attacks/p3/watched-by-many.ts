import { connect as connectHttp2 } from "node:http2";
import { z } from "zod";
import { agent } from "#worker/index";
import { connect, createTask, sdkWorker, untilTimeIsUp } from "../../kit.js";
import { envelope } from "../../raw/raw-http2.js";
import { grpcRequest, stringField } from "../../raw/sessions.js";
import type { Target } from "../../target.js";

/** Twenty Tasks that talk without end, each watched by sixty-four, none of whom reads. */
export async function watchedByMany(target: Target): Promise<void> {
  const talker = agent({
    name: "evil_talker",
    input: z.unknown(),
    async *run() {
      for (let i = 0; i < 2_000; i += 1) yield `${i} ${"x".repeat(32_000)}`;
    },
  });
  await sdkWorker(target, [talker], "p3-talker");
  const rpc = connect(target);
  for (let i = 0; i < 20; i += 1) {
    const id = await createTask(rpc, { agentName: "evil_talker" });
    const port = i % 2 === 0 ? target.grpcPort : target.httpPort;
    const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1_000 } });
    session.on("error", () => {});
    for (let k = 0; k < 64 && id; k += 1) {
      grpcRequest(session, "/taskrun.v1.TaskService/WatchTask").end(envelope(stringField(1, id)));
    }
    target.signal.addEventListener("abort", () => session.destroy());
  }
  await untilTimeIsUp(target);
}
