import { expect, test } from "vitest";
import type { AnyStateMachine } from "xstate";
import type { ActorLife } from "#actors/life";
import { runTrackerMachine } from "#actors/run-tracker/machine";
import type { RunTrackerMessage } from "#actors/run-tracker/messages";
import { schedulerMachine } from "#actors/scheduler/machine";
import type { SchedulerMessage } from "#actors/scheduler/messages";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import type { TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import { taskRequestMachine } from "#actors/task-request/machine";
import type { TaskRequestMessage } from "#actors/task-request/messages";
import type { MessageView } from "#actors/view";
import type { NodeId, SessionId } from "#domain/id";
import { THE_PLANE, templateScope } from "#domain/pause/pause";
import { PauseSet } from "#domain/pause/pause-set";
import { instant, millis, NEVER } from "#domain/time/time";
import { type WorkerRow, workerRowKey } from "#domain/worker/worker-row";
import { decider } from "#runtime/machines/flat-interpreter";
import { decider as byXState } from "../../runtime/kit/xstate-interpreter.js";
import { runLife, stepLife, taskLife, workerLife } from "../kit/lives.js";
import { plan, planDraft, registered, template } from "../kit/plans.js";
import {
  caller,
  draft,
  heldRun,
  hello,
  lane,
  r1,
  s1,
  session,
  spec,
  step,
  stepSpec,
  task,
  terms,
  w1,
} from "../kit/rows.js";
import { finalizerScenes } from "../kit/scenes.js";
import { half, placement, runIds, says, slots, status, viewOf, waiting } from "../kit/views.js";

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

/** What an actor is told, with what it may look at. */
interface AddressedMessage<Message> {
  readonly message: Message;
  readonly view: MessageView;
}

/** Every message in every state of an actor. */
function actor<Message extends { type: string }>(
  machine: AnyStateMachine,
  all: readonly AddressedMessage<Message>[],
) {
  const stamped = all.map(({ message, view }) => ({ ...message, at: instant(10), ...half, view }));
  return {
    machine,
    pairs: ["starting", "serving", "saturated", "draining", "stopped"].flatMap((value) =>
      [...actorLives, ...stamped].map(
        (message): Pair => ({ value, context: { served: { other: 3 } }, message }),
      ),
    ),
  };
}

function withView<Message>(view: MessageView, ...messages: readonly Message[]): AddressedMessage<Message>[] {
  return messages.map((message) => ({ message, view }));
}

/** The row of a worker whose newest session is on another node. */
const movedTo = (id: SessionId): WorkerRow => ({
  key: workerRowKey(caller.principal, w1),
  revision: 2,
  node: "n2" as NodeId,
  session: session({ id }),
  drainReason: "",
});

const known = registered(template([{ name: "a" }]));
const { registeredAt: _, ...newer } = known;

const flow = { namespace: "default", name: "flow", version: "1.0.0" };

const actors = [
  actor<TaskRequestMessage>(taskRequestMachine, [
    ...withView<TaskRequestMessage>(
      viewOf(),
      { type: "submit", caller, drafts: [draft("t1"), planDraft(plan([{ name: "a" }]), {}, "t2")] },
      { type: "register", caller, template: newer },
    ),
    ...withView<TaskRequestMessage>(viewOf({ template: { ...known, digest: "d2" } }), {
      type: "register",
      caller,
      template: newer,
    }),
  ]),
  actor<SchedulerMessage>(schedulerMachine, [
    ...withView<SchedulerMessage>(
      viewOf({
        lanes: [waiting("t1", "t2")],
        workers: [slots()],
        runIds: runIds(1),
        task: task(),
        step: step({ state: "enqueued", spec: stepSpec({ timeoutMs: millis(5) }) }),
      }),
      { type: "schedule" },
      { type: "pause", caller, scope: THE_PLANE, message: "why", until: instant(20) },
      { type: "resume", caller, scope: THE_PLANE },
      { type: "weigh", placements: [placement("t1", "r1"), placement("t2", "r2")] },
      { type: "assign", placements: [placement("t1", "r1")] },
    ),
    ...withView<SchedulerMessage>(
      viewOf({
        task: task({ spec: spec({ template: flow }) }),
        step: step({ state: "enqueued", lane: lane.key }),
        pauses: new PauseSet([
          { scope: templateScope(flow), reason: "", until: NEVER, by: "local", at: instant(1) },
        ]),
      }),
      { type: "shelve", steps: [placement("t1", "r1")] },
    ),
  ]),
  actor<RunTrackerMessage>(runTrackerMachine, [
    ...withView<RunTrackerMessage>(
      viewOf({ runs: [heldRun()], leaseUntil: instant(10) }),
      { type: "hello", session: s1, caller, hello: hello(), terms },
      { type: "report", ...says(status()) },
      { type: "report", ...says({ type: "yield", runId: r1, fence: 1, cursor: "7", output: "" }) },
      { type: "held", session: s1, held: { runIds: [], lastOrdinal: 1 } },
      { type: "worker.changed", session: s1, status: "BUSY", capacity: 1 },
      { type: "closed", session: s1 },
      { type: "silent", session: s1 },
      { type: "drain.worker", caller, workerId: w1, message: "" },
      { type: "adopt", from: "", runIds: [r1] },
    ),
    ...withView<RunTrackerMessage>(viewOf({ session: session(), workerRow: movedTo("s2" as SessionId) }), {
      type: "worker.moved",
      session: s1,
    }),
  ]),
  actor<TaskFinalizerMessage>(taskFinalizerMachine, finalizerScenes),
];

test("each message to the finalizer is asked about with rows that make it ask for something", () => {
  const decide = decider<unknown, { type: string }>(taskFinalizerMachine);
  for (const { message, view } of finalizerScenes) {
    const event = { ...message, at: instant(10), ...half, view };
    expect(decide({ value: "serving", context: {} }, event).commands.length, message.type).toBeGreaterThan(0);
  }
});

test.each([...lifecycles, ...actors])(
  "the interpreter decides as XState's own transition does, for $machine.id, in every state and for every message",
  ({ machine, pairs }) => {
    const decide = decider<unknown, { type: string }>(machine);

    const xstate = byXState<unknown, { type: string }>(machine);

    for (const { value, context, message } of pairs) {
      const state = { value, context };
      expect(decide(state, message)).toEqual(xstate(state, message));
    }
  },
);

test("an actor hears exactly the messages that its type lists, and its own life", () => {
  for (const { machine, pairs } of actors) {
    const types = new Set(pairs.map(({ message }) => message.type));
    expect([...types].sort(), machine.id).toEqual([...machine.events].sort());
  }
});
