import type { Run, Step, Task, TaskEvent, TaskRunClient } from "#client/index";
import type { StatelyEvent } from "#inspect/protocol";
import { Replay, type ReplayedEntry, type ReplayedTask } from "#inspect/replay";

/** A Task's log as inspection events, from its beginning, live until the Task has ended. */
export async function* logEvents(
  client: TaskRunClient,
  task: Task,
  signal: AbortSignal,
): AsyncGenerator<StatelyEvent> {
  const replay = new Replay(replayedTask(task, await waitsOf(client, task)));
  yield* replay.begin();
  for await (const event of client.tasks.watch(task.id, { signal })) {
    const entry = entryOf(event);
    if (entry) yield* replay.next(entry);
  }
}

function replayedTask(task: Task, waits: ReadonlyMap<string, number>): ReplayedTask {
  const { id, namespace, agent, template, createdAtMs, startAtMs, timeoutMs, parentTaskId } = task;
  const { parentStepName, compensates, compensatedBy, retryOf } = task;
  return {
    id,
    namespace,
    name: template ? template.name : agent,
    agentName: agent,
    createdAt: createdAtMs,
    startAt: startAtMs,
    timeoutAt: timeoutMs > 0 ? Math.max(createdAtMs, startAtMs) + timeoutMs : 0,
    ...(parentTaskId !== "" && { parent: { taskId: parentTaskId, stepName: parentStepName } }),
    compensates,
    compensatedBy,
    retryOf,
    waits,
  };
}

/** The entry of a log that an event is; undefined if it is about no state. */
function entryOf(event: TaskEvent): ReplayedEntry | undefined {
  const { atMs: at } = event;
  switch (event.type) {
    case "task": {
      const { state, errorMessage: _, status } = event.task;
      const reason = status === "CANCELLED" ? "CANCELLED" : "";
      return { at, type: "task", state, reason };
    }
    case "step":
      return { at, type: "step", step: stepOf(event.step) };
    case "run":
      return { at, type: "run", run: runOf(event.run) };
    default:
      return undefined;
  }
}

function stepOf(step: Step) {
  const { name, state, agent, attempts, maxAttempts, losses, maxLosses, dependsOn, type, childTaskId } = step;
  return {
    name,
    state,
    agentName: agent,
    attempts,
    maxAttempts,
    losses,
    maxLosses,
    dependsOn,
    type,
    childId: childTaskId,
    nextAttemptAt: step.nextAttemptAtMs,
    startedAt: step.startedAtMs,
    finishedAt: step.finishedAtMs,
  };
}

function runOf(run: Run) {
  const { id, workerId, status, attempt, stepName, reason, fence, startedAtMs, finishedAtMs } = run;
  return {
    id,
    workerId,
    status,
    attempt,
    stepName,
    reason,
    fence,
    startedAt: startedAtMs,
    finishedAt: finishedAtMs,
  };
}

/**
 * How long timers and signals of the Task's template wait, which its log does not tell. Without the template, they are shown
 * without a deadline.
 */
async function waitsOf(client: TaskRunClient, { template }: Task): Promise<ReadonlyMap<string, number>> {
  if (!template) return new Map();
  try {
    const { bodyJson } = await client.templates.get(template);
    const { steps = [] } = JSON.parse(bodyJson) as { readonly steps?: readonly PlannedWait[] };
    return new Map(
      steps.map(({ name, timer, signal }) => [name, timer?.delay_ms ?? signal?.timeout_ms ?? 0]),
    );
  } catch {
    return new Map();
  }
}

interface PlannedWait {
  readonly name: string;
  readonly timer?: { readonly delay_ms?: number };
  readonly signal?: { readonly timeout_ms?: number };
}
