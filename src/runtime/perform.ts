import type { Answer } from "#actors/asks";
import { Fault } from "#domain/fault";
import type { WorkerFrame } from "#domain/frame";
import type { RunId, SessionId, TaskId } from "#domain/id";
import { isOver, runSummary } from "#domain/run";
import { stepSummary } from "#domain/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task";
import type { TemplateRow } from "#domain/template";
import type { Receipt } from "#ports/plane";
import type { Committed } from "#ports/store";
import { assignmentOf } from "./assignment.js";
import type { Core } from "./core.js";
import type { Effect } from "./effect.js";
import type { Decided } from "./turn.js";
import type { Watchers } from "./watchers.js";
import type { Workspace } from "./workspace.js";

/** What an answer becomes for who asked: ids are replaced by rows. */
export type Reply = readonly (Receipt | Fault)[] | SessionId | TemplateRow | undefined;

/** The commit has landed: now, and only now, the outside hears of it. */
export function perform(
  decided: Decided,
  committed: Committed | undefined,
  core: Core,
  watchers: Watchers,
): void {
  const { work } = decided;
  for (const { to, answer } of decided.answers) {
    if (answer instanceof Error) to.reject(answer);
    else if (answer?.type === "fault") to.reject(answer.fault);
    else to.resolve(replyOf(answer, work));
  }
  for (const [session, frames] of framesBySession(work, core)) {
    const sink = core.leases.sink(session);
    if (sink) for (const frame of frames) sink.send(frame);
  }
  for (const effect of work.effects) if (effect.type === "disconnect") hangUp(effect.params, core);
  const { log } = work;
  committed?.firstSeqs.forEach((firstSeq, i) => {
    const added = log[i];
    if (added) watchers.wake(added.taskId, firstSeq + added.entries.length - 1);
  });
  count(work, core);
}

function replyOf(answer: Exclude<Answer, { type: "fault" }> | undefined, work: Workspace): Reply {
  if (answer?.type === "worker") return answer.session;
  if (answer?.type === "template") return answer.template;
  return answer?.tasks.map((task) => (task instanceof Fault ? task : receipt(task, work)));
}

function receipt(taskId: TaskId, work: Workspace): Receipt | Fault {
  const task = work.task(taskId);
  if (!task) return new Fault("internal", `task ${taskId} was answered for but is not at hand`);
  return { task, steps: work.stepsOf(taskId).map(stepSummary), runs: work.runsOf(taskId).map(runSummary) };
}

function hangUp(
  { session, fault }: Extract<Effect, { type: "disconnect" }>["params"],
  { leases }: Core,
): void {
  leases.sink(session)?.close(fault);
  leases.forget(session);
}

/** Frames in the order asked for; of several acks of one Run's output only the last says anything. */
function framesBySession(work: Workspace, core: Core): Map<SessionId, WorkerFrame[]> {
  const bySession = new Map<SessionId, WorkerFrame[]>();
  const ackAt = new Map<RunId, number>();
  for (const effect of work.effects) {
    const sent = frameOf(effect, work, core);
    if (!sent) continue;

    const frames = bySession.get(sent.session) ?? [];
    bySession.set(sent.session, frames);
    if (sent.frame.type === "ack.output") {
      const earlier = ackAt.get(sent.frame.runId);
      if (earlier !== undefined) {
        frames[earlier] = sent.frame;
        continue;
      }
      ackAt.set(sent.frame.runId, frames.length);
    }
    frames.push(sent.frame);
  }
  return bySession;
}

function frameOf(
  effect: Effect,
  work: Workspace,
  core: Core,
): { session: SessionId; frame: WorkerFrame } | undefined {
  if (effect.type === "send") return effect.params;
  if (effect.type !== "sendAssignment") return undefined;

  const run = work.run(effect.params.runId);
  const task = run && work.task(run.taskId);
  // A Run made and ended in one turn was never held, and is never sent.
  if (!run || !task || run.status !== "ASSIGNED" || run.heldBy === "") return undefined;
  const step = work.step(run);
  if (!step) return undefined;
  const assignment = assignmentOf(run, task, step, work, core.terms.lease);
  return { session: run.heldBy, frame: { type: "assign", ...assignment } };
}

function count({ changes, effects, log }: Workspace, { telemetry }: Core): void {
  for (const effect of effects) {
    if (effect.type === "countRefused") telemetry.count("taskrun_reports_refused_total", effect.params);
  }
  for (const { before, after } of changes.tasks) {
    if (!before) telemetry.count("taskrun_tasks_created_total");
    if (!before?.hasRun && after.hasRun) {
      telemetry.observe(
        "taskrun_task_wait_seconds",
        secondsSince(after.createdAt, firstRunAt(after, changes)),
      );
    }
    if (!isTerminal(after.state) || (before && isTerminal(before.state))) continue;
    telemetry.count("taskrun_tasks_finished_total", { status: taskStatus(after) });
    telemetry.observe("taskrun_task_seconds", secondsSince(after.createdAt, after.finishedAt));
  }
  for (const { before, after } of changes.runs) {
    if (!before) telemetry.count("taskrun_runs_assigned_total");
    if (!isOver(after.status) || (before && isOver(before.status))) continue;
    telemetry.count("taskrun_runs_finished_total", { status: after.status, reason: after.reason || "NONE" });
  }
  let chunks = 0;
  for (const { entries } of log) for (const { type } of entries) if (type === "output") chunks += 1;
  if (chunks > 0) telemetry.count("taskrun_output_chunks_total", {}, chunks);
  const bytes = changes.runs.reduce(
    (sum, { before, after }) => sum + after.outputBytes - (before?.outputBytes ?? 0),
    0,
  );
  if (bytes > 0) telemetry.count("taskrun_output_bytes_total", {}, bytes);
}

function firstRunAt(task: TaskRow, { runs }: Workspace["changes"]): number {
  return runs.find(({ after }) => after.taskId === task.id)?.after.createdAt ?? task.createdAt;
}

function secondsSince(from: number, to: number): number {
  return (to - from) / 1_000;
}
