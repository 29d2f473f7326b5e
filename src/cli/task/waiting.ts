import type { Task, TaskRunClient, Worker } from "#client/index";
import { limits } from "#limits/index";
import { labelText } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";

/** Explains in a sentence why a task waits for a worker; undefined if it does not, or the reason is unknown. */
export async function whyWaiting(client: TaskRunClient, task: Task, io: Io): Promise<string | undefined> {
  const awaited = awaitedAgent(task);
  if (!awaited || io.now() < awaited.sinceMs + limits.waitingPatience) return undefined;

  const { workerSelector } = task;
  const having = await client.workers.list({ agent: awaited.agent }).catch(() => undefined);
  if (having === undefined) return undefined;
  const name = `agent "${oneLine(awaited.agent)}"`;
  const see = `see \`${io.self} worker list\``;
  if (having.length === 0) return `no connected worker runs ${name}; ${see}`;
  const fitting = having.filter(({ labels }) => carries(labels, workerSelector));
  if (fitting.length === 0) {
    return `no connected worker with ${name} has the labels ${oneLine(labelText(workerSelector))}; ${see}`;
  }
  return fitting.every(isFull) ? `all workers with ${name} are busy; ${see}` : undefined;
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

/** Returns the agent that a task waits for, and since when; undefined if it waits for none. */
function awaitedAgent(task: Task): { readonly agent: string; readonly sinceMs: number } | undefined {
  const { status, agent, createdAtMs, startAtMs, steps } = task;
  const dueMs = Math.max(createdAtMs, startAtMs);
  if (status === "PENDING" && agent !== "") return { agent, sinceMs: dueMs };
  if (status !== "PENDING" && status !== "RUNNING") return undefined;
  if (steps.some(({ state }) => state === "in_progress")) return undefined;

  const ready = steps.find((step) => step.state === "enqueued" && step.agent !== "");
  const times = steps.flatMap(({ finishedAtMs, nextAttemptAtMs }) => [finishedAtMs, nextAttemptAtMs]);
  return ready && { agent: ready.agent, sinceMs: Math.max(dueMs, ...times) };
}

function carries(labels: Task["labels"], selector: Task["labels"]): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function isFull({ status, activeRuns, maxConcurrentRuns }: Worker): boolean {
  return status === "DRAINING" || activeRuns >= maxConcurrentRuns;
}
