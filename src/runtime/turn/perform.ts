import type { Answer } from "#actors/commands";
import type { Asker } from "#bus/bus";
import { Fault } from "#domain/fault";
import type { RunId, SessionId, TaskId } from "#domain/id";
import type { Pause } from "#domain/pause/pause";
import { isOver, runSummary, withUsage } from "#domain/task/run";
import { stepStates, stepSummary } from "#domain/task/step";
import { countOf, isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import type { Receipt } from "#ports/plane";
import type { Committed } from "#ports/store-turns";
import type { EndedTask } from "#ports/task-wait";
import type { LogFields } from "#ports/telemetry";
import type { Core } from "../core.js";
import type { Workspace } from "../memory/workspace.js";
import type { TraceRecorder } from "../watch/trace-recorder.js";
import type { Waiters } from "../watch/waiters.js";
import type { Watchers } from "../watch/watchers.js";
import type { Decided } from "./turn.js";

/** What the caller of a plane method gets for an actor's answer: rows instead of ids. */
export type Reply = readonly (Receipt | Fault)[] | SessionId | TemplateRow | Pause | undefined;

/** Who follows what turns do. */
interface Followers {
  readonly watchers: Watchers;
  readonly waiters: Waiters;
  /** Called when the stream of a session has failed. It is closed; the session's Runs continue until the lease ends. */
  lost(session: SessionId): void;
  readonly traces: TraceRecorder | undefined;
}

/**
 * Performs the effects of a turn: answers, wake-ups of waiters and watchers, frames, disconnects, metrics. Call it only after the
 * commit. Never throws: an effect that fails is logged and counted, and the others are still performed, because the
 * commit cannot be taken back.
 */
export function perform(
  { work, answers, at }: Decided,
  committed: Committed | undefined,
  core: Core,
  { watchers, waiters, traces, lost }: Followers,
): void {
  for (const { to, answer } of answers) {
    try {
      reply(to, answer, work);
    } catch (error) {
      failed("reply", error, {}, core);
    }
  }
  if (waiters.count > 0) tellWaiters(work, core, waiters);
  for (const [session, frames] of framesBySession(work)) send(session, frames, core, lost);
  for (const effect of work.effects) {
    if (effect.type !== "disconnect") continue;
    hangUp(effect.params.session, effect.params.fault, core);
    core.leases.forget(effect.params.session);
  }
  const { log } = work;
  committed?.firstSeqs.forEach((firstSeq, i) => {
    const added = log[i];
    if (!added) return;
    try {
      watchers.wake(added.taskId, firstSeq + added.entries.length - 1);
    } catch (error) {
      failed("watch", error, { taskId: added.taskId }, core);
    }
  });
  try {
    count(work, at, core);
  } catch (error) {
    failed("metrics", error, {}, core);
  }
  countUsage(work, core);
  core.output?.wrote(work.changes.runs, at);
  for (const refusal of work.audit.refusals) core.audit?.refused(refusal);
  if (committed && work.audit.count > 0) core.audit?.committed(work.audit.count);
  if (traces) record(work, core, traces);
}

function countUsage(work: Workspace, core: Core): void {
  const used = work.usage.toCommit();
  if (!used) return;
  try {
    core.usageMetrics.count(used, core.telemetry);
  } catch (error) {
    failed("metrics", error, {}, core);
  }
}

/** Sends frames to a worker, unless its stream has ended meanwhile. */
function send(session: SessionId, frames: readonly WorkerFrame[], core: Core, lost: Followers["lost"]): void {
  try {
    for (const frame of frames) core.leases.sink(session)?.send(frame);
  } catch (error) {
    failed("send", error, { sessionId: session }, core);
    hangUp(session, new Fault("internal", "writing to this stream failed; connect again"), core);
    core.leases.hangUp(session);
    lost(session);
  }
}

/** Kinds of effects that can fail. A closed set, because it labels a metric. */
type Part = "reply" | "send" | "disconnect" | "watch" | "wait" | "metrics" | "traces";

function record(work: Workspace, core: Core, traces: TraceRecorder): void {
  try {
    traces.committed(work);
  } catch (error) {
    failed("traces", error, {}, core);
  }
}

/** Logs and counts a failed effect. An error of the log or the metrics themselves is ignored. */
function failed(part: Part, error: unknown, fields: LogFields, { telemetry }: Core): void {
  try {
    telemetry.log.error("an effect of a commit failed", { part, ...fields, err: error });
    telemetry.count("taskrun_effects_failed_total", { part });
  } catch {}
}

function reply(to: Asker, answer: Answer | Error | undefined, work: Workspace): void {
  if (answer instanceof Error) to.reject(answer);
  else if (answer?.type === "fault") to.reject(answer.fault);
  else to.resolve(replyOf(answer, work));
}

function replyOf(answer: Exclude<Answer, { type: "fault" }> | undefined, work: Workspace): Reply {
  switch (answer?.type) {
    case "worker":
      return answer.session;
    case "template":
      return answer.template;
    case "pause":
      return answer.pause;
    case "tasks":
      return answer.tasks.map((task) => (task instanceof Fault ? task : receipt(task, work)));
    default:
      return undefined;
  }
}

function receipt(taskId: TaskId, work: Workspace): Receipt | Fault {
  const task = work.task(taskId);
  if (!task) return new Fault("internal", `task ${taskId} was answered for but is not at hand`);
  return {
    task,
    steps: work.stepsOf(taskId).map(stepSummary),
    runs: work.runsOf(taskId).map((run) => withUsage(runSummary(run), run)),
  };
}

/** Tells the requests that wait for the Tasks which the turn has ended. */
function tellWaiters(work: Workspace, core: Core, waiters: Waiters): void {
  for (const { before, after } of work.changes.tasks) {
    if (!isTerminal(after.state) || (before && isTerminal(before.state)) || !waiters.has(after.id)) continue;
    try {
      const task = work.task(after.id) ?? after;
      waiters.ended({ task, rows: rowsAtHand(task, work) });
    } catch (error) {
      failed("wait", error, { taskId: after.id }, core);
    }
  }
}

/** The Task's Steps and Runs, if the turn has all of them: of a Task with one Step, if that had no earlier Run. */
function rowsAtHand({ id, counts }: TaskRow, work: Workspace): EndedTask["rows"] {
  const steps = work.stepsOf(id);
  const [step] = steps;
  if (!step || countOf(counts, ...stepStates) !== 1) return undefined;
  const runs = work.runsOf(id);
  return runs.length === step.fence ? { steps, runs } : undefined;
}

function hangUp(session: SessionId, fault: Fault, core: Core): void {
  try {
    core.takeovers.note(fault, core.clock.now(), core.telemetry.log);
    core.leases.sink(session)?.close(fault);
  } catch (error) {
    failed("disconnect", error, { sessionId: session }, core);
  }
}

/**
 * Frames of each session in the order of their commands. Of several acks of one Run's output only the last is kept, in
 * the place of the first: acks are cumulative.
 */
function framesBySession(work: Workspace): Map<SessionId, WorkerFrame[]> {
  const bySession = new Map<SessionId, WorkerFrame[]>();
  const ackAt = new Map<RunId, number>();
  for (const effect of work.effects) {
    if (effect.type !== "send") continue;
    const { session, frame } = effect.params;
    const frames = bySession.get(session) ?? [];
    bySession.set(session, frames);
    if (frame.type === "ack.output") {
      const earlier = ackAt.get(frame.runId);
      if (earlier !== undefined) {
        frames[earlier] = frame;
        continue;
      }
      ackAt.set(frame.runId, frames.length);
    }
    frames.push(frame);
  }
  return bySession;
}

function count(work: Workspace, at: Instant, { telemetry }: Core): void {
  const { changes, effects, log } = work;
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
    if (!before && !isOver(after.status)) telemetry.count("taskrun_runs_assigned_total");
    if (!isOver(after.status) || (before && isOver(before.status))) continue;
    telemetry.count("taskrun_runs_finished_total", { status: after.status, reason: after.reason || "NONE" });
  }
  for (const { status, reason, createdAt } of work.rows.changedOf("deadLetters")) {
    if (status === "PENDING" && createdAt === at) telemetry.count("taskrun_dead_letters_total", { reason });
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
