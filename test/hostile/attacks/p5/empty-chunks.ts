import { connect, createTask, flood, rawWorker } from "../../kit.js";
import type { Target } from "../../target.js";

/** Millions of chunks with nothing in them, and of events and chat, which no limit of bytes ever counts. */
export async function emptyChunks(target: Target): Promise<void> {
  let given: { runId: string; fence: number } | undefined;
  const worker = rawWorker(target, {
    id: "p5-empty",
    agent: "evil_empty",
    onAssigned: ({ runId, fence }) => {
      given = { runId, fence };
      worker.say({ case: "statusUpdate", value: { runId, fence, status: 3 } });
    },
  });
  await createTask(connect(target), { agentName: "evil_empty" });
  let seq = 0n;
  await flood(target, { lanes: 1, most: 3_000_000 / 200 }, async () => {
    if (!given) return;
    let room = true;
    for (let i = 0; i < 200; i += 1) {
      room = worker.say({ case: "outputChunk", value: { ...given, seq, content: "" } });
      if (i % 10 === 0) worker.say({ case: "event", value: { ...given, id: `${seq}`, eventType: 3 } });
      if (i % 10 === 5)
        worker.say({ case: "chatMessage", value: { ...given, message: { role: 2, content: "" } } });
      seq += 1n;
    }
    if (!room) await worker.drained();
  });
}
