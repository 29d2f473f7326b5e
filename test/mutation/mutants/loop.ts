import { edit, type Mutant, type TestName } from "../mutant.js";

const loops = (name: string): TestName => ({ file: "test/runtime/faults/loops.test.ts", name });

const requeue = "actors/step/requeue.ts";
const work = "src/limits/work.ts";
const placement = "actors/scheduler/placement.ts";

/** Ways to come back for ever, or without a pause. */
export const loopMutants: readonly Mutant[] = [
  {
    name: "what comes back again and again comes at once",
    edits: [edit(work, "fruitlessAtOnce: 2,", "fruitlessAtOnce: 1_000,")],
    test: loops("by 2 workers in turn comes ever slower"),
  },
  {
    name: "a step is handed back for ever",
    edits: [edit(requeue, "if (declines >= limits.fruitlessRuns) {", "if (declines < 0) {")],
    test: loops("by 2 workers in turn comes ever slower"),
  },
  {
    name: "a step that waits is given to a worker all the same",
    edits: [edit(placement, "if (step.nextAttemptAt > at) continue;", "")],
    test: loops("waits on over a restart"),
  },
  {
    name: "two workers hand a step to and fro, and a third never sees it",
    edits: [edit(work, "trustedDeclines: 2,", "trustedDeclines: 1_000,")],
    test: loops("goes to a worker that takes it at once"),
  },
  {
    name: "a step that stops where it began counts as one that went on",
    edits: [edit(requeue, "? step.declines + 1 : 0;", "? 0 : 0;")],
    test: loops("at once and at the same one comes ever slower"),
  },
  {
    name: "checkpoints without a pace",
    edits: [edit(work, "checkpointPace: millis(6),", "checkpointPace: millis(0),")],
    test: loops("at once but at another each time is paced"),
  },
  {
    name: "a lost step is tried again at once, always",
    edits: [edit("actors/step/attempts.ts", "later(at, pauseAfter(losses))", "at")],
    test: loops("whose workers are lost at once again and again"),
  },
  {
    name: "tasks within tasks are made anew without a pause",
    edits: [
      edit(
        "actors/task-finalizer/child-ended.ts",
        "{ errorMessage, retryable, retryAfter: pauseAfter(step.attempts) }",
        "{ errorMessage, retryable, retryAfter: millis(0) }",
      ),
    ],
    test: loops("a task within a task that fails at once"),
  },
  {
    name: "what is to end a Task waits behind all that its children begin",
    edits: [
      edit("src/stores/memory/store.ts", "return [...others, ...starts];", "return due.slice(0, limit);"),
    ],
    test: { file: "test/stores/memory.test.ts", name: "starts come after all else that is due" },
  },
  {
    name: "as many deadlines are read at once, however long they take",
    edits: [edit("src/runtime/timers/timers.ts", "tookMs > limits.dueBatch", "tookMs < 0")],
    test: { file: "test/runtime/due-batches.test.ts", name: "so many deadlines are read at once" },
  },
];
