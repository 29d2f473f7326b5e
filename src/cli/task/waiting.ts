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

/**
 * Says, once nothing has happened for a while, why the task does not go on; and again, less and less often, if that changes while nothing
 * happens: a worker that is lost is no event. Returns a function that cancels that.
 */
export function explainWaiting(
  client: TaskRunClient,
  taskId: string,
  note: (text: string) => Promise<void>,
  io: Io,
): () => void {
  let wanted = true;
  let told: string | undefined;
  let cancel = () => {};
  const explain = async () => {
    const why = await whyWaiting(client, await client.tasks.get(taskId), io);
    if (!wanted || why === undefined || why === told) return;
    told = why;
    await note(why);
  };
  const ask = (looks: number) => {
    // Errors are ignored: whoever waits is told of them.
    const asked = () => explain().catch(() => {});
    cancel = io.after(
      limits.waitingPatience * 2 ** looks,
      () => void asked().then(() => wanted && looks + 1 < limits.waitingLooks && ask(looks + 1)),
    );
  };
  ask(0);
  return () => {
    wanted = false;
    cancel();
  };
}

/** False for a task that has ended, and for one to which something has just happened. A run that seems to go on may have lost its worker. */
function mayWait({ status, createdAtMs, startAtMs, steps }: Task, now: number): boolean {
  if (status !== "PENDING" && status !== "RUNNING") return false;
  const times = steps.flatMap(({ startedAtMs, finishedAtMs, nextAttemptAtMs }) => {
    return [startedAtMs, finishedAtMs, nextAttemptAtMs];
  });
  return now >= Math.max(createdAtMs, startAtMs, ...times.filter((at) => at <= now)) + limits.waitingPatience;
}
