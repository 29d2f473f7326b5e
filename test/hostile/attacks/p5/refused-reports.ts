import { connect, createTask, flood, MIB, type RawWorker, rawWorker } from "../../kit.js";
import type { Target } from "../../target.js";

/** Reports that must be refused, each as the last word of a Run that was given to a worker of either protocol. */
export async function refusedReports(target: Target): Promise<void> {
  const rpc = connect(target);
  let said = 0;
  const onAssigned = ({ runId, fence }: { runId: string; fence: number }, { say }: RawWorker) => {
    const end = { runId, fence, status: 4 };
    const words: (() => void)[] = [
      () => say({ case: "statusUpdate", value: { ...end, outputJson: "{" } }),
      () => say({ case: "statusUpdate", value: { ...end, outputJson: "[".repeat(100_000) } }),
      () => say({ case: "statusUpdate", value: { ...end, outputJson: `"${"x".repeat(MIB + 1)}"` } }),
      () => say({ case: "statusUpdate", value: { ...end, outputCount: 2n ** 63n } }),
      () => say({ case: "statusUpdate", value: { ...end, status: 5, errorMessage: "é".repeat(40_000) } }),
      () => say({ case: "statusUpdate", value: { ...end, status: 5, retryAfterMs: 2n ** 62n } }),
      () => say({ case: "statusUpdate", value: { ...end, status: 5, retryAfterMs: -(2n ** 62n) } }),
      () => say({ case: "statusUpdate", value: { ...end, status: 99 as never } }),
      () => say({ case: "statusUpdate", value: { ...end, status: 1, timestampMs: -(2n ** 63n) } }),
      () => say({ case: "outputChunk", value: { runId, fence, seq: 2n ** 64n - 1n, content: "x" } }),
      () => say({ case: "outputChunk", value: { runId, fence, seq: 0n, content: "x".repeat(3 * MIB) } }),
      () => say({ case: "event", value: { runId, fence, id: "x".repeat(10_000), eventType: 77 as never } }),
      () => say({ case: "chatMessage", value: { runId, fence } }),
      () =>
        say({ case: "yield", value: { runId, fence, cursorJson: "}", outputJson: `"${"x".repeat(MIB)}"` } }),
      () => say({ case: "decline", value: { runId, reason: "r".repeat(100_000) } }),
      () => say({ case: "heartbeat", value: { workerId: "somebody else", beat: 2n ** 64n - 1n } }),
    ];
    words[said % words.length]?.();
    said += 1;
  };
  await flood(target, { lanes: 2, most: 200 }, async (i) => {
    const protocol = (i % 2) as 0 | 1;
    const worker = rawWorker(target, {
      id: `p5-refused-${i % 20}`,
      agent: "evil_refused",
      protocol,
      onAssigned,
    });
    for (let k = 0; k < 3; k += 1) await createTask(rpc, { agentName: "evil_refused", maxAttempts: 3 });
    await Promise.race([worker.closed, new Promise((resolve) => setTimeout(resolve, 200))]);
    worker.close();
  });
}
