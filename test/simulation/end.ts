import type { RunId } from "#domain/id";
import { isOver } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { Store } from "#ports/store";
import type { Memory } from "#runtime/memory/memory";
import type { Supervisor } from "#runtime/supervisor";
import { auditLetter } from "../runtime/kit/audit-letters.js";
import { checkJournals } from "./journals/check.js";
import { BrokenPromise, type Mirror } from "./mirror.js";
import { KEY_PREFIX, type SimClient } from "./sim-client.js";
import type { SimWorker } from "./sim-worker.js";
import type { SimWorld } from "./sim-world.js";

/** What is left of a world when all is over. */
interface Remains {
  readonly world: SimWorld;
  readonly client: SimClient;
  readonly honest: readonly SimWorker[];
  /** What is durable. */
  readonly store: Store;
}

/** Checks what clients were told and workers have done against what is durable. */
export async function checkEnd({ world, client, honest, store }: Remains): Promise<void> {
  const { mirror } = world;
  const stillHeld = [...mirror.runs.values()].filter(({ heldBy }) => heldBy !== "");
  broke(stillHeld.length === 0, `still held: ${stillHeld.map(({ id }) => id).join(" ")}`);
  broke(
    [...mirror.runs.values()].every(({ status }) => isOver(status)),
    "a run never ended",
  );
  const asked = [...mirror.tasks.values()].filter(({ spec }) => spec.idempotencyKey.startsWith(KEY_PREFIX));
  broke(new Set(client.created.values()).size === asked.length, "a task was made twice, or one is missing");
  for (const taskId of client.cancelled) mirror.checkCancelled(taskId);

  const wrong = [...mirror.tasks.values()].flatMap((task) => auditLetter(task, mirror.letters.get(task.id)));
  broke(wrong.length === 0, wrong.join("; "));
  for (const { taskId, entries, ended } of client.watched) {
    broke(ended, `a watcher of ${taskId} never saw the end`);
    const log = mirror.logs.get(taskId) ?? [];
    broke(JSON.stringify(entries) === JSON.stringify(log), `a watcher of ${taskId} saw another story`);
  }
  const results = new Map(honest.flatMap((worker) => [...worker.results]));
  for (const step of mirror.steps.values()) await checkResult(step, results, mirror, store);
  const plain = honest.filter(({ isPublic }) => isPublic).flatMap(({ assignedEver }) => [...assignedEver]);
  await checkJournals(world, new Set(plain));
}

/** A Step that is done has the result of the one Run that completed, and no Step has two. */
async function checkResult(
  { taskId, name, state, agentName, spec }: StepRow,
  results: ReadonlyMap<RunId, string>,
  { runs, evil }: Mirror,
  { reads }: Store,
): Promise<void> {
  if (agentName === "" || spec.type === "map") return;
  const own = [...runs.values()].filter((run) => run.taskId === taskId && run.stepName === name);
  const accepted = own.filter(({ status, reason }) => status === "COMPLETED" && reason === "");
  const [run] = accepted;
  // What compensates a Run that proves declined has nothing to do.
  if (state === "complete" && !spec.compensates?.isUnsure)
    broke(accepted.length === 1, `${name} of ${taskId} has ${accepted.length} results`);
  broke(accepted.length <= 1, `${name} of ${taskId} has ${accepted.length} results`);
  if (!run || evil.has(run.id)) return;
  const result = await reads.output({ taskId, stepName: name });
  broke(result === results.get(run.id), `${name} of ${taskId} has the result ${result}`);
}

/** When nothing is left to do, memory must hold nothing: no slot, no lane, no waiting Task has leaked. */
export function checkMemory(memory: Memory | undefined): void {
  broke(memory, "the plane is down");
  broke(memory.roster.heldCount === 0, `${memory.roster.heldCount} slots have leaked`);
  broke(memory.waiting === 0, `${memory.waiting} tasks seem to wait`);
  broke(memory.backlog.size === 0, `${memory.backlog.size} lanes have leaked`);
}

function broke(kept: unknown, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(what);
}

export function unfinished(world: SimWorld, supervisor: Supervisor | undefined): string {
  const { mirror } = world;
  const open = [...mirror.tasks.values()].filter(({ id }) => !world.taskEnded(id));
  const lines = open.map(({ id, state }) => {
    const steps = [...mirror.steps.values()].filter(({ taskId }) => taskId === id);
    const runs = [...mirror.runs.values()].filter(({ taskId }) => taskId === id);
    const held = runs.map(({ status, heldBy }) => `${status}${heldBy && " held"}`);
    return `${id} ${state}, ${steps.map((step) => step.state)}: ${held.join(", ")}`;
  });
  const memory = supervisor?.core.memory;
  const workers = memory?.roster.rows().map((row) => `${row.info.workerId} ${row.state} ${row.capacity}`);
  return [...lines, `workers: ${workers}`, `lanes: ${JSON.stringify(memory?.backlog.views())}`].join("; ");
}
