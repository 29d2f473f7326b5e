import { LOCAL_CALLER } from "#domain/caller";
import { planOf } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import type { Json } from "#domain/json/json";
import type { StepRow } from "#domain/task/step";
import type { TaskSpec } from "#domain/task/task";
import type { TemplateBody, TemplateStep } from "#domain/template/template";
import { millis } from "#domain/time/time";
import type { Receipt } from "#ports/plane";
import { type BenchPlane, startBench } from "./bench-plane.js";
import type { AssignFrame, BenchWorker } from "./bench-worker.js";

/** What a worker answers to an assignment. */
export type Reply =
  | { readonly result: Json }
  | { readonly error: string; readonly retryable?: boolean; readonly retryAfterMs?: number }
  | { readonly cursor: Json; readonly output?: Json }
  /** Keeps it in hand. */
  | "nothing";

export type Agent = (assigned: AssignFrame, input: { readonly [name: string]: Json }) => Reply;

/** A template of standard steps run by "echo", less what is said otherwise. */
export function template(steps: readonly TemplateStep[], rest: Partial<TemplateBody> = {}): TemplateBody {
  const withAgents = steps.map((step) => {
    const { type = "standard" } = step;
    const needsNone = type === "timer" || type === "signal" || type === "child_task";
    return step.handler || needsNone ? step : { ...step, handler: { callable: "echo" } };
  });
  return { name: "flow", namespace_name: "default", version: "1.0.0", ...rest, steps: withAgents };
}

export async function register(bench: BenchPlane, body: TemplateBody): Promise<void> {
  const { namespace_name: namespace, name, version } = body;
  const source = JSON.stringify(body);
  await bench.plane.register(LOCAL_CALLER, { namespace, name, version, body, source, digest: source });
}

/** Registers the template and makes a Task of it. */
export async function begin(
  bench: BenchPlane,
  body: TemplateBody,
  { input = {}, ...spec }: Partial<TaskSpec> & { readonly input?: Json } = {},
): Promise<Receipt> {
  await register(bench, body);
  const plan = planOf(body, "development");
  return bench.create(
    {
      agentName: "",
      maxAttempts: 0,
      template: plan.template,
      environment: "development",
      timeoutMs: plan.timeoutMs,
      holdOnFailure: plan.holdOnFailure,
      isCompensable: plan.isCompensable,
      ...spec,
    },
    { plan, input: JSON.stringify(input) },
  );
}

/** Answers what the worker has been given, until there is nothing more to answer; returns how many there were. */
export async function work(
  bench: BenchPlane,
  worker: BenchWorker,
  agent: Agent,
  most = 5_000,
): Promise<number> {
  let answered = 0;
  for (let idle = 0; idle < 2 && answered < most; ) {
    if (idle > 0) await bench.clock.advance(1); // what is due at once comes with the next tick
    await bench.settle();
    const assigned = worker.assignments();
    idle = assigned.length === 0 ? idle + 1 : 0;
    for (const frame of assigned) {
      answered += 1;
      await answer(worker, frame, agent(frame, JSON.parse(frame.input)));
    }
  }
  await bench.settle();
  return answered;
}

export async function answer(
  worker: BenchWorker,
  { runId, fence }: AssignFrame,
  reply: Reply,
): Promise<void> {
  if (reply === "nothing") return;
  if ("result" in reply) return worker.report(runId, "COMPLETED", { output: JSON.stringify(reply.result) });
  if ("cursor" in reply) {
    const output = reply.output === undefined ? "" : JSON.stringify(reply.output);
    return worker.link.receive({ type: "yield", runId, fence, cursor: JSON.stringify(reply.cursor), output });
  }
  const { error, retryable = true, retryAfterMs = 0 } = reply;
  return worker.report(runId, "FAILED", { errorMessage: error, retryable, retryAfter: millis(retryAfterMs) });
}

/** "state a=complete b=pending …", in DAG order. */
export async function shown(bench: BenchPlane, taskId: TaskId): Promise<string> {
  const detail = await bench.store.reads.task(taskId);
  if (!detail) return "unknown";
  return [detail.task.state, ...detail.steps.map(({ name, state }) => `${name}=${state}`)].join(" ");
}

export async function stepOf(bench: BenchPlane, taskId: TaskId, name: string): Promise<StepRow> {
  const detail = await bench.store.reads.task(taskId);
  const step = detail?.steps.find((row) => row.name === name);
  if (!step) throw new Error(`no step ${name}`);
  return step;
}

/** A plane with one roomy worker. */
export async function workflowBed(): Promise<{ bench: BenchPlane; worker: BenchWorker }> {
  const bench = await startBench();
  const worker = bench.worker("w1", { capacity: 100 });
  await bench.settle();
  return { bench, worker };
}

/** Answers with the name of its step. */
export const echo: Agent = ({ stepName }) => ({ result: stepName });
