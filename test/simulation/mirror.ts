import type { Fault } from "#domain/fault";
import { type RunId, type SessionId, stepKey, type TaskId } from "#domain/id";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { LogEntry } from "#domain/task/log";
import { maxLossesOf } from "#domain/task/losses";
import { isOver, type RunRow } from "#domain/task/run";
import { type StepRow, satisfies } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { WorkerFrame } from "#domain/worker/frame";
import type { Commit } from "#ports/store";
import { auditGraph } from "#testing/audit";

/** What the n-th chunk of a Run must say. */
export function contentOf(runId: RunId, seq: number): string {
  return `${runId}#${seq}`;
}

export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

function promise(kept: unknown, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(what);
}

/**
 * The store as the promises see it, kept apart from the store itself: follows every commit that lands and
 * breaks if a row moves in a way no row may.
 */
export class Mirror {
  readonly tasks = new Map<TaskId, TaskRow>();
  readonly steps = new Map<string, StepRow>();
  readonly runs = new Map<RunId, RunRow>();
  /** Which Run has a Step's fence. */
  readonly #fences = new Map<string, RunId>();
  readonly logs = new Map<TaskId, LogEntry[]>();
  readonly letters = new Map<TaskId, DeadLetterRow>();
  readonly capacities = new Map<SessionId, number>();
  /** Runs in the hands of a worker that may say anything about what is its own. */
  readonly evil = new Set<RunId>();
  /** Runs of which a worker was told to stop. */
  readonly cancelled = new Set<RunId>();
  /** What has come to pass, e.g. "run FAILED WORKER_LOST". */
  readonly marks = new Set<string>();

  apply(turn: Commit): void {
    const before = new Map(turn.runs.map(({ id }) => [id, this.runs.get(id)]));
    for (const task of turn.tasks) this.#followTask(task);
    for (const step of turn.steps) this.#followStep(step);
    for (const run of turn.runs) this.#followRun(run);
    for (const letter of turn.deadLetters) {
      const before = this.letters.get(letter.taskId)?.revision ?? 0;
      promise(letter.revision === before + 1, `the dead letter of ${letter.taskId} was made twice`);
      this.letters.set(letter.taskId, letter);
    }
    for (const { taskId, entries } of turn.log) for (const entry of entries) this.#followLog(taskId, entry);
    for (const run of turn.runs) this.#checkRun(run, before.get(run.id));
    this.#checkSlots();
    for (const id of new Set(turn.steps.map(({ taskId }) => taskId))) this.#checkGraph(id);
  }

  #followTask(task: TaskRow): void {
    const before = this.tasks.get(task.id);
    const moved = before && isTerminal(before.state) && before.state !== task.state;
    promise(!moved, `task ${task.id} was ${before?.state} for good and is ${task.state}`);
    this.tasks.set(task.id, task);
    this.marks.add(`task ${task.state} ${task.reason}`.trimEnd());
    if (task.spec.parent) this.marks.add(`child ${task.state}`);
    if (task.spec.compensates !== "") this.marks.add(`undoing ${task.state}`);
  }

  #followStep(step: StepRow): void {
    const key = stepKey({ taskId: step.taskId, stepName: step.name });
    const before = this.steps.get(key);
    promise(
      (before?.fence ?? 0) <= step.fence,
      `the fence of ${key} went from ${before?.fence} to ${step.fence}`,
    );
    promise(
      step.attempts <= step.maxAttempts,
      `${key} is at attempt ${step.attempts} of ${step.maxAttempts}`,
    );
    promise(step.losses <= maxLossesOf(step) + 1, `${key} has lost ${step.losses} runs`);
    this.steps.set(key, step);
    if (step.spec.type !== "standard") this.marks.add(`${step.spec.type} ${step.state}`);
  }

  #followRun(run: RunRow): void {
    const before = this.runs.get(run.id);
    const moved = before && isOver(before.status) && before.status !== run.status;
    promise(!moved, `run ${run.id} was ${before?.status} for good and is ${run.status}`);
    promise(!before || before.fence === run.fence, `the fence of run ${run.id} has changed`);
    const taken = before?.heldBy === "" && run.heldBy !== "";
    promise(!taken, `run ${run.id} was let go and is held again`);
    const fence = `${stepKey(run)} ${run.fence}`;
    const owner = this.#fences.get(fence) ?? run.id;
    promise(owner === run.id, `fence ${fence} is of run ${owner} and of run ${run.id}`);
    this.#fences.set(fence, run.id);
    this.runs.set(run.id, run);
    this.marks.add(`run ${run.status} ${run.reason}`.trimEnd());
    if (before && before.heldBy !== run.heldBy && run.heldBy !== "") this.marks.add("run resumed");
    if (before && before.node !== run.node && !isOver(run.status))
      this.marks.add("run moved to another node");
  }

  #followLog(taskId: TaskId, entry: LogEntry): void {
    const log = this.logs.get(taskId) ?? [];
    this.logs.set(taskId, log);
    const last = log.at(-1);
    const ended = last?.type === "task" && isTerminal(last.state);
    promise(!ended, `the log of ${taskId} goes on after its end, with ${entry.type}`);
    log.push(entry);
    if (entry.type !== "output" || this.evil.has(entry.runId)) return;

    const own = log.filter((each) => each.type === "output" && each.runId === entry.runId);
    promise(entry.seq === own.length - 1, `run ${entry.runId}: seq ${entry.seq} is chunk ${own.length - 1}`);
    promise(
      entry.content === contentOf(entry.runId, entry.seq),
      `run ${entry.runId}: chunk ${entry.seq} is wrong`,
    );
  }

  #checkRun(run: RunRow, before: RunRow | undefined): void {
    const step = this.steps.get(stepKey(run));
    promise(step && this.tasks.has(run.taskId), `run ${run.id} has no step`);
    if (!before) this.#checkDependencies(step);
    if (isOver(run.status)) return;
    const { state = "pending" } = this.tasks.get(run.taskId) ?? {};
    promise(!isTerminal(state), `run ${run.id} lives, and its task is ${state}`);
    promise(
      step.runId === run.id && step.fence === run.fence,
      `run ${run.id} lives beside run ${step.runId}`,
    );
    promise(step.state === "in_progress", `run ${run.id} lives, and its step is ${step.state}`);
    promise(before || run.heldBy !== "", `run ${run.id} was made for nobody`);
  }

  #checkSlots(): void {
    const held = new Map<SessionId, number>();
    for (const { heldBy } of this.runs.values()) {
      if (heldBy !== "") held.set(heldBy, (held.get(heldBy) ?? 0) + 1);
    }
    for (const [session, count] of held) {
      const capacity = this.capacities.get(session) ?? Number.POSITIVE_INFINITY;
      promise(count <= capacity, `session ${session} holds ${count} runs and has ${capacity} slots`);
    }
  }

  /** No Step fires before all that it waits for is done. */
  #checkDependencies({ taskId, name, dependsOn }: StepRow): void {
    for (const stepName of dependsOn) {
      const before = this.steps.get(stepKey({ taskId, stepName }));
      promise(
        before && satisfies(before),
        `${name} of ${taskId} has begun, and ${stepName} is ${before?.state}`,
      );
    }
  }

  /** What is counted is what it stands for. */
  #checkGraph(id: TaskId): void {
    const steps = [...this.steps.values()].filter(({ taskId }) => taskId === id);
    const task = this.tasks.get(id);
    promise(task, `task ${id} has steps and no row`);
    const wrong = auditGraph(steps, [task]);
    promise(wrong.length === 0, wrong.join("; "));
  }

  /** Whatever a worker hears must follow from what is durable. */
  checkFrame(session: SessionId | undefined, frame: WorkerFrame, isEvil: boolean): void {
    if (frame.type === "assign") {
      const run = this.runs.get(frame.runId);
      promise(run && run.fence === frame.fence, `run ${frame.runId} was sent before it was durable`);
      if (isEvil) this.evil.add(frame.runId);
    }
    if (frame.type === "cancel") this.cancelled.add(frame.runId);
    if (frame.type === "ack.output") {
      const next = this.runs.get(frame.runId)?.nextSeq ?? -1;
      promise(
        next >= frame.nextSeq,
        `output of ${frame.runId} is acknowledged up to ${frame.nextSeq}, has ${next}`,
      );
    }
    const run = "runId" in frame ? this.runs.get(frame.runId) : undefined;
    if (frame.type === "ack.usage" && run) {
      const reports = run.usage?.reports ?? 0;
      promise(
        reports >= frame.nextSeq,
        `usage of ${frame.runId} is acknowledged up to ${frame.nextSeq}, has ${reports}`,
      );
    }
    if (frame.type === "ack.journal") {
      const records = (run && this.steps.get(stepKey(run))?.journal?.records) ?? 0;
      promise(
        records >= frame.nextSeq,
        `the journal of ${frame.runId} is acknowledged up to ${frame.nextSeq}, has ${records}`,
      );
    }
    const lives = run && !isOver(run.status) && run.heldBy === session;
    if (frame.type === "ack.status" && !isEvil)
      promise(!lives, `the end of ${frame.runId} is acknowledged, not stored`);
    if (frame.type === "cancel" && !isEvil) promise(!lives, `run ${frame.runId} lives and is cancelled`);
  }

  checkCreated(taskId: TaskId): void {
    promise(this.tasks.has(taskId), `task ${taskId} is acknowledged and not stored`);
  }

  checkCancelled(taskId: TaskId): void {
    const state = this.tasks.get(taskId)?.state;
    promise(state === "cancelled", `the cancel of ${taskId} is acknowledged, and it is ${state}`);
  }

  checkRefusedCancel(taskId: TaskId, { code }: Fault): void {
    const state = this.tasks.get(taskId)?.state ?? "pending";
    promise(code === "wrong_state" && isTerminal(state), `cancelling ${taskId}, which is ${state}: ${code}`);
  }
}
