import { setup } from "xstate";
import { commands } from "../commands.js";
import { type Handlers, isMessage } from "../handler.js";
import { actorStates } from "../life.js";
import { abort } from "./abort.js";
import { cancel } from "./cancel.js";
import { childEnded } from "./child-ended.js";
import { childStart } from "./child-start.js";
import { compensateStep } from "./compensate-step.js";
import { compensationEnded } from "./compensation-ended.js";
import { deadLetter } from "./dead-letter.js";
import { deadlinePassed } from "./deadline-passed.js";
import { expand } from "./expand.js";
import type { FinalizerHandler, TaskFinalizerEvent } from "./handler.js";
import { journal } from "./journal.js";
import { mapCollect } from "./map-collect.js";
import { mapOpen } from "./map-open.js";
import type { TaskFinalizerMessage } from "./messages.js";
import { resolve } from "./resolve.js";
import { runEnded } from "./run-ended.js";
import { runHeld } from "./run-held.js";
import { runReleased } from "./run-released.js";
import { signal } from "./signal.js";
import { signalTaken } from "./signal-taken.js";
import { stepSatisfied } from "./step-satisfied.js";
import { taskEnded } from "./task-ended.js";
import { taskStale } from "./task-stale.js";
import { topUp } from "./top-up.js";
import { updateDeadLetter } from "./update-dead-letter.js";
import { usage } from "./usage.js";

export const finalizerHandlers = {
  "run.ended": runEnded,
  "run.released": runReleased,
  journal,
  usage,
  "run.held": runHeld,
  "step.satisfied": stepSatisfied,
  expand,
  "map.open": mapOpen,
  "map.collect": mapCollect,
  "child.start": childStart,
  "child.ended": childEnded,
  "compensate.step": compensateStep,
  "compensation.ended": compensationEnded,
  "signal.taken": signalTaken,
  signal,
  resolve,
  "top.up": topUp,
  cancel,
  "task.ended": taskEnded,
  "dead.letter": deadLetter,
  "task.stale": taskStale,
  "update.dead.letter": updateDeadLetter,
  abort,
  "deadline.passed": deadlinePassed,
} as const satisfies Handlers<TaskFinalizerMessage>;

const parts = setup({
  types: { context: {} as Record<string, never>, events: {} as TaskFinalizerEvent },
  actions: commands,
});

/** The action of a message: enqueues the commands that its handler decides on. */
function decided<Type extends TaskFinalizerMessage["type"]>(type: Type, handler: FinalizerHandler<Type>) {
  return parts.enqueueActions(({ enqueue, event }) => {
    if (!isMessage(event, type)) return;
    for (const command of handler.decide(event, event.view, event)) enqueue(command);
  });
}

const listens = {
  "run.ended": { actions: "concludeAttempt" },
  "run.released": { actions: "noteRelease" },
  journal: { actions: "journalRecord" },
  usage: { actions: "countInTasks" },
  "run.held": { actions: "countHeldTime" },
  "step.satisfied": { actions: "satisfyDependants" },
  expand: { actions: "expandGraph" },
  "map.open": { actions: "openMap" },
  "map.collect": { actions: "collectMap" },
  "child.start": { actions: "startChild" },
  "child.ended": { actions: "concludeChild" },
  "compensate.step": { actions: "beginCompensating" },
  "compensation.ended": { actions: "wakeWaiter" },
  "signal.taken": { actions: "takeSignal" },
  signal: { actions: "receiveSignal" },
  resolve: { actions: "resolveByHand" },
  "top.up": { actions: "raiseBudget" },
  cancel: { actions: "cancelTask" },
  "task.ended": { actions: "endStepsAndRuns" },
  "dead.letter": { actions: "followDeadLetter" },
  "task.stale": { actions: "noteStale" },
  "update.dead.letter": { actions: "updateDeadLetter" },
  abort: { actions: "abortNarrowest" },
  "deadline.passed": { actions: "meetDeadline" },
} as const satisfies Record<TaskFinalizerMessage["type"], { readonly actions: string }>;

/** Orchestrates the graph of a Task after admission: what may run, is tried again, is done, has failed, or is compensated. */
export const taskFinalizerMachine = parts
  .extend({
    actions: {
      concludeAttempt: decided("run.ended", runEnded),
      noteRelease: decided("run.released", runReleased),
      journalRecord: decided("journal", journal),
      countInTasks: decided("usage", usage),
      countHeldTime: decided("run.held", runHeld),
      satisfyDependants: decided("step.satisfied", stepSatisfied),
      expandGraph: decided("expand", expand),
      openMap: decided("map.open", mapOpen),
      collectMap: decided("map.collect", mapCollect),
      startChild: decided("child.start", childStart),
      concludeChild: decided("child.ended", childEnded),
      beginCompensating: decided("compensate.step", compensateStep),
      wakeWaiter: decided("compensation.ended", compensationEnded),
      takeSignal: decided("signal.taken", signalTaken),
      receiveSignal: decided("signal", signal),
      resolveByHand: decided("resolve", resolve),
      raiseBudget: decided("top.up", topUp),
      cancelTask: decided("cancel", cancel),
      endStepsAndRuns: decided("task.ended", taskEnded),
      followDeadLetter: decided("dead.letter", deadLetter),
      noteStale: decided("task.stale", taskStale),
      updateDeadLetter: decided("update.dead.letter", updateDeadLetter),
      abortNarrowest: decided("abort", abort),
      meetDeadline: decided("deadline.passed", deadlinePassed),
    },
  })
  .createMachine({
    id: "task-finalizer",
    context: {},
    initial: "starting",
    states: actorStates(listens, listens),
  });
