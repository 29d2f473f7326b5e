import { planOf } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import { followingTaskSpec } from "#domain/task/spec";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { TemplateBody } from "#domain/template/template";
import type { Receipt } from "#ports/plane";
import type { BenchPlane } from "./bench-plane.js";
import type { BenchWorker } from "./bench-worker.js";
import { type Agent, work } from "./workflow-bench.js";

/** Forks an ended Task, as its use case does. */
export async function fork(
  bench: BenchPlane,
  body: TemplateBody,
  old: TaskRow,
  from = "",
  more: { readonly key?: string; readonly input?: string } = {},
): Promise<Receipt> {
  const { key = "", input = (await bench.store.reads.input(old.id)) ?? "{}" } = more;
  const own = { forkedFrom: old.id, idempotencyKey: key, fingerprint: key && `${old.id} ${from}` };
  const spec = followingTaskSpec(old.spec, own);
  const plan = planOf(body, "development");
  const receipt = await bench.create(spec, { plan, input, fork: { of: old.id, from } });
  await bench.settle();
  return receipt;
}

/** Lets the worker do all there is to do, and time go by, until the Task has ended. */
export async function toEnd(
  bench: BenchPlane,
  worker: BenchWorker,
  id: TaskId,
  agent: Agent,
): Promise<{ readonly task: TaskRow; readonly steps: readonly StepRow[] }> {
  for (let beat = 0; beat < 1_000; beat += 1) {
    await work(bench, worker, agent);
    const detail = await bench.store.reads.task(id);
    if (!detail) throw new Error(`${id} is gone`);
    if (isTerminal(detail.task.state)) return detail;
    await bench.pass(500, worker);
  }
  throw new Error(`${id} does not end`);
}

/** Results of a Task's Steps, by name. */
export async function resultsOf(
  bench: BenchPlane,
  { task, steps }: { readonly task: TaskRow; readonly steps: readonly StepRow[] },
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of steps) {
    const json = await bench.store.reads.output({ taskId: task.id, stepName: name });
    if (json !== undefined) found.set(name, json);
  }
  return found;
}
