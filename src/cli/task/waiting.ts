import type { Task, TaskRunClient } from "#client/index";
import { limits } from "#limits/index";
import type { Io } from "../terminal/io.js";
import { firstReason } from "./why.js";

/** Explains in a sentence why a task does not go on; undefined if it does, or the server cannot say. */
export async function whyWaiting(client: TaskRunClient, task: Task, io: Io): Promise<string | undefined> {
  if (!mayWait(task, io.now())) return undefined;
  const explanation = await client.tasks.explain(task.id).catch(() => undefined);
  const agents = new Map(task.steps.map(({ name, agent }) => [name, agent]));
  return explanation && firstReason(explanation, (name) => agents.get(name) ?? task.agent, io);
}

/** Says after a while why no worker has started the task. Returns a function that cancels that. */
export function explainWaiting(
  client: TaskRunClient,
  taskId: string,
  note: (text: string) => Promise<void>,
  io: Io,
): () => void {
  let wanted = true;
  const explain = async () => {
    const why = await whyWaiting(client, await client.tasks.get(taskId), io);
    if (wanted && why !== undefined) await note(why);
  };
  // Errors are ignored: whoever waits is told of them.
  const cancel = io.after(limits.waitingPatience, () => void explain().catch(() => {}));
  return () => {
    wanted = false;
    cancel();
  };
}

/** False for a task that has ended or that works, and for one that may just be on its way to a worker. */
function mayWait({ status, createdAtMs, startAtMs, steps }: Task, now: number): boolean {
  if (status !== "PENDING" && status !== "RUNNING") return false;
  if (steps.some(({ state, waitingReason }) => state === "in_progress" && waitingReason === "")) return false;
  const times = steps.flatMap(({ finishedAtMs, nextAttemptAtMs }) => [finishedAtMs, nextAttemptAtMs]);
  return now >= Math.max(createdAtMs, startAtMs, ...times.filter((at) => at <= now)) + limits.waitingPatience;
}
