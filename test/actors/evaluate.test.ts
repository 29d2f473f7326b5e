import { expect, test } from "vitest";
import { type AnyStateMachine, transition } from "xstate";
import type { ActorLife } from "#actors/life";
import { runTrackerMachine } from "#actors/run-tracker/machine";
import type { RunTrackerMessage } from "#actors/run-tracker/messages";
import { schedulerMachine } from "#actors/scheduler/machine";
import type { SchedulerMessage } from "#actors/scheduler/messages";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import type { TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import { taskRequestMachine } from "#actors/task-request/machine";
import type { TaskRequestMessage } from "#actors/task-request/messages";
import { instant } from "#domain/time";
import { decider } from "#runtime/evaluate";
import {
  finalizerFound,
  half,
  placement,
  requestFound,
  runIds,
  says,
  schedulerFound,
  slots,
  status,
  trackerFound,
  waiting,
} from "./found.js";
import { runLife, stepLife, taskLife, workerLife } from "./lives.js";
import { begun, caller, draft, heldRun, hello, r1, s1, step, t1, task, terms, w1 } from "./rows.js";

/** A state, what the row holds, and a message; nothing of it is typed by its machine any more. */
interface Pair {
  readonly value: unknown;
  readonly context: object;
  readonly message: { readonly type: string };
}

const lifecycles = [taskLife, stepLife, runLife, workerLife].map(({ machine, values, cases, rowAt }) => ({
  machine,
  pairs: values.flatMap((value) =>
    cases.map(
      ({ message, given }): Pair => ({ value, context: { ...rowAt(value as never), ...given }, message }),
    ),
  ),
}));

const actorLives: ActorLife[] = [
  { type: "serve" },
  { type: "fill" },
  { type: "ease" },
  { type: "drain" },
  { type: "stop" },
];

/** Every message in every state of an actor, with what the runtime might have found. */
function actor<Message extends { type: string }>(
  machine: AnyStateMachine,
  found: object,
  messages: readonly Message[],
) {
  const stamped = messages.map((message) => ({ ...message, at: instant(10), ...half, found }));
  return {
    machine,
    pairs: ["starting", "serving", "saturated", "draining", "stopped"].flatMap((value) =>
      [...actorLives, ...stamped].map(
        (message): Pair => ({ value, context: { served: { other: 3 } }, message }),
      ),
    ),
  };
}

const end = { how: "completed", output: "{}", outputBytes: 2 } as const;
const key = { taskId: t1, stepName: "main" };

const actors = [
  actor<TaskRequestMessage>(taskRequestMachine, requestFound(), [
    { type: "submit", caller, drafts: [draft("t1"), draft("t2")] },
  ]),
  actor<SchedulerMessage>(
    schedulerMachine,
    schedulerFound({
      lanes: [waiting("t1", "t2")],
      workers: [slots()],
      runIds: runIds(1),
      rows: [{ step: step({ state: "enqueued" }), task: task() }],
    }),
    [{ type: "schedule" }, { type: "assign", placements: [placement("t1", "r1")] }],
  ),
  actor<RunTrackerMessage>(
    runTrackerMachine,
    trackerFound({ run: heldRun(), runs: [heldRun()], leaseUntil: instant(10) }),
    [
      { type: "hello", session: s1, caller, hello: hello(), terms },
      { type: "report", ...says(status()) },
      { type: "held", session: s1, held: { runIds: [], lastOrdinal: 1 } },
      { type: "worker.changed", session: s1, status: "BUSY", capacity: 1 },
      { type: "closed", session: s1 },
      { type: "silent", session: s1 },
      { type: "drain.worker", caller, workerId: w1, message: "" },
    ],
  ),
  actor<TaskFinalizerMessage>(
    taskFinalizerMachine,
    finalizerFound({
      task: task({ state: "steps_in_process" }),
      step: begun(),
      steps: [begun()],
      runs: [heldRun()],
    }),
    [
      { type: "run.ended", ...key, runId: r1, end },
      { type: "cancel", caller, taskId: t1, message: "" },
      { type: "task.ended", taskId: t1, reason: "CANCELLED" },
      { type: "deadline.passed", ...key, kind: "timeout", due: instant(10) },
    ],
  ),
];

test.each([...lifecycles, ...actors])(
  "the wrapper decides as XState's own transition does, for $machine.id, in every state and for every message",
  ({ machine, pairs }) => {
    const decide = decider<unknown, { type: string }>(machine);

    for (const { value, context, message } of pairs) {
      const before = machine.resolveState({ value: value as never, context });
      const [after, actions] = transition(machine, before, message);
      const decision = decide({ value, context }, message);

      expect(decision).toEqual({
        value: after.value,
        context: after.context,
        asks: actions.map(({ type, params }) => ({ type, params })),
        ignored: after === before && actions.length === 0,
      });
    }
  },
);

test("an actor hears exactly the messages that its type lists, and its own life", () => {
  for (const { machine, pairs } of actors) {
    const types = new Set(pairs.map(({ message }) => message.type));
    expect([...types].sort(), machine.id).toEqual([...machine.events].sort());
  }
});
