import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command } from "#actors/commands";
import type { StepMessage } from "#actors/step/messages";
import { startTask } from "#actors/task/start";
import { taskEnded } from "#actors/task-finalizer/task-ended";
import type { StepSpec } from "#domain/graph/plan";
import { hasEnded, type StepRow, type StepState } from "#domain/task/step";
import { isTerminal, moved, type StepCounts, type TaskRow, type TaskState } from "#domain/task/task";
import { type FailureStrategy, failureStrategies } from "#domain/template/template";
import { instant } from "#domain/time/time";
import { advanceStep, advanceTask } from "#runtime/machines/lifecycles";
import { stepLife } from "../kit/lives.js";
import { memberOf, spec, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide } from "../kit/views.js";

const at = instant(10);

/** A Task and its Steps, told as the runtime tells them: what a lifecycle asks for comes before anything else. */
class Family {
  task: TaskRow;
  readonly steps: Map<string, StepRow>;

  constructor(strategies: readonly FailureStrategy[], holdOnFailure: boolean) {
    this.task = task({ counts: { pending: strategies.length }, spec: spec({ holdOnFailure }) });
    this.steps = new Map(
      strategies.map((failure, i) => {
        const name = `s${i}`;
        return [name, step({ name, spec: stepSpec(memberOf("", { failure })) })];
      }),
    );
    this.carryOut(startTask(this.task, [...this.steps.values()], at));
  }

  carryOut(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.type === "advanceTask") {
        const [after, asked] = advanceTask(this.task, command.params.message);
        this.task = after;
        this.carryOut(asked);
      } else if (command.type === "advanceStep") {
        const before = this.steps.get(command.params.stepName) as StepRow;
        const [after, asked] = advanceStep(before, command.params.message);
        this.steps.set(after.name, after);
        this.countInEnded(before, after);
        this.carryOut(asked);
      } else if (command.type === "tell" && command.params.message.type === "task.ended") {
        const steps = [...this.steps.values()].filter(({ state }) => !hasEnded(state));
        this.carryOut(decide(taskEnded, command.params.message, { task: this.task, steps }, at));
      }
    }
  }

  /** As the runtime does: a Task that has ended is told nothing more. */
  countInEnded({ state: from }: StepRow, { state: to }: StepRow): void {
    if (from === to || !isTerminal(this.task.state)) return;
    this.task = { ...this.task, counts: moved(this.task.counts, from, to) };
  }

  tell(stepName: string, message: StepMessage): void {
    this.carryOut([{ type: "advanceStep", params: { taskId: t1, stepName, message } }]);
  }

  holding(): number {
    return [...this.steps.values()].filter(({ heldFor }) => heldFor !== undefined).length;
  }

  recount(): StepCounts {
    const counts: Partial<Record<StepState, number>> = {};
    for (const { state } of this.steps.values()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }
}

/** Where the Steps say a Task stands once one of them has changed: the first that fits. */
function contract(steps: readonly StepRow[], { hasRun, spec: { holdOnFailure } }: TaskRow): TaskState {
  const failed = (...strategies: FailureStrategy[]) =>
    steps.some(({ state, spec }) => state === "error" && strategies.includes(strategyOf(spec)));
  if (steps.some(({ heldFor }) => heldFor !== undefined)) return "blocked_by_failures";
  const has = (...states: StepState[]) => steps.some(({ state }) => states.includes(state));
  const settled = steps.every(({ state }) => hasEnded(state));

  if (failed("fail_fast") || (settled && failed("isolate")))
    return holdOnFailure ? "blocked_by_failures" : "error";
  if (settled) return "complete";
  const busy = has(
    "enqueued",
    "in_progress",
    "enqueued_for_orchestration",
    "enqueued_as_error_for_orchestration",
  );
  if (busy) return hasRun ? "steps_in_process" : "enqueuing_steps";
  return has("waiting_for_retry") ? "waiting_for_retry" : "waiting_for_dependencies";
}

function strategyOf({ member }: StepSpec): FailureStrategy {
  return member?.failure ?? "fail_fast";
}

/** Only the end of its Task cancels a Step: that is another story. */
const messages = stepLife.cases.map(({ message }) => message).filter(({ type }) => type !== "cancel");

const stories = fc.record({
  strategies: fc.array(fc.constantFrom(...failureStrategies), { minLength: 1, maxLength: 4 }),
  holds: fc.boolean(),
  addressed: fc.array(fc.record({ index: fc.nat(3), message: fc.constantFrom(...messages) }), {
    maxLength: 60,
  }),
});

test("a task's counts are a recount of its steps, and its state is what its steps say", () => {
  fc.assert(
    fc.property(stories, ({ strategies, holds, addressed }) => {
      const family = new Family(strategies, holds);
      for (const { index, message } of addressed) {
        if (isTerminal(family.task.state)) break; // nobody tells the steps of an ended task anything
        const { counts: before } = family.task;
        family.tell(`s${index % strategies.length}`, message);

        expect(family.task.counts).toEqual(family.recount());
        expect(family.task.holds ?? 0).toBe(family.holding());
        if (family.task.counts === before) continue;
        const steps = [...family.steps.values()];
        expect(family.task.state).toBe(contract(steps, family.task));
        if (family.task.state === "complete") expect(family.task.counts.cancelled).toBeUndefined();
      }
    }),
    { numRuns: 300 },
  );
});

test("whatever ends a task ends all of its steps, and the counts know", () => {
  const ends = fc.constantFrom(
    { type: "cancel", at, message: "not needed" } as const,
    { type: "timeout", at, message: "too long" } as const,
    { type: "abort", at, message: "a bug" } as const,
  );

  fc.assert(
    fc.property(stories, ends, ({ strategies, holds, addressed }, message) => {
      const family = new Family(strategies, holds);
      for (const { index, message: first } of addressed) {
        if (!isTerminal(family.task.state)) family.tell(`s${index % strategies.length}`, first);
      }
      family.carryOut([{ type: "advanceTask", params: { taskId: t1, message } }]);

      expect(isTerminal(family.task.state)).toBe(true);
      expect([...family.steps.values()].filter(({ state }) => !hasEnded(state))).toEqual([]);
      expect(family.task.counts).toEqual(family.recount());
    }),
  );
});
