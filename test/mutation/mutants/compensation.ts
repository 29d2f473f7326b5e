import { edit, type Mutant, type TestName } from "../mutant.js";

const histories: TestName = { file: "test/runtime/workflows/compensation-histories.test.ts" };
const story = (name: string): TestName => ({ file: "test/runtime/workflows/compensation.test.ts", name });

const steps = "actors/task/compensation-steps.ts";
const compensateStep = "actors/task-finalizer/compensate-step.ts";
const childStart = "actors/task-finalizer/child-start.ts";

/** Ways to leave what was done undone, or to undo it twice, or too soon. */
export const compensationMutants: readonly Mutant[] = [
  {
    name: "a run counts as in hand only once its start was reported",
    edits: [
      edit(
        steps,
        'view.runsOf(task.id).filter(({ heldBy }) => heldBy !== "")',
        'view.runsOf(task.id).filter(({ heldBy, startedAt }) => heldBy !== "" && startedAt > 0)',
      ),
    ],
    test: story("what an agent did before its start was heard of"),
  },
  {
    name: "what was in hand is compensated although it was declined",
    edits: [
      edit(
        "actors/run/machine.ts",
        'event.type !== "declined" || hasBegun',
        'event.type !== "end" || hasBegun',
      ),
    ],
    test: story("a run that turns out to be declined"),
  },
  {
    name: "a lost run leaves no doubt",
    edits: [edit("actors/task-finalizer/run-ended.ts", '"cancelled", "lost"]', '"cancelled"]')],
    test: histories,
  },
  {
    name: "a checkpoint leaves no doubt",
    edits: [edit("actors/task-finalizer/run-ended.ts", '(["yielded", ', "([")],
    test: story("a checkpoint is compensated"),
  },
  {
    name: "compensation waits for a deaf worker for ever",
    edits: [
      edit(
        "actors/task-finalizer/deadline-passed.ts",
        "releasedBy(run, at) <= at;",
        "releasedBy(run, at) < 0;",
      ),
    ],
    test: story("a worker that does not heed its cancel"),
  },
  {
    name: "a child that completed keeps what it did",
    edits: [
      edit(
        steps,
        'if (isComplete && child.compensatedBy === "") return canBeCompensated(child) ? link : undefined;',
        "if (isComplete) return undefined;",
      ),
    ],
    test: story("a child that completed is compensated in its place"),
  },
  {
    name: "compensation overtakes a child that goes on",
    edits: [
      edit(
        compensateStep,
        "if (child && !isQuiescent(child, view))",
        'if (child?.state === "pending" && !isQuiescent(child, view))',
      ),
    ],
    test: story("a child that goes on is ended and compensated before"),
  },
  {
    name: "a child is made anew while the former one is being compensated",
    edits: [
      edit(
        childStart,
        "return liveTask(view, before.compensatedBy) ? [] : undefined;",
        "return liveTask(view, before.compensatedBy) ? undefined : undefined;",
      ),
    ],
    test: story("a child is made anew when the former one has been compensated"),
  },
  {
    name: "retention removes what a compensation needs",
    edits: [
      edit(
        "src/domain/task/task.ts",
        "return compensation !== undefined && !isTerminal(compensation.state);",
        "return compensation !== undefined && compensation.state === undefined;",
      ),
    ],
    test: { file: "test/runtime/workflows/compensation.test.ts", name: "what a compensation needs is kept" },
  },
  {
    name: "retention removes the children of a task that goes on",
    edits: [
      edit(
        "src/domain/task/task.ts",
        "if (spec.parent && find(spec.parent.taskId)) return true;",
        "if (spec.parent && find(spec.parent.stepName as TaskId)) return true;",
      ),
    ],
    test: story("what a compensation needs is kept"),
  },
  {
    name: "a task is retried while it is being compensated",
    edits: [
      edit(
        "src/api/tasks/draft.ts",
        "if (!compensation || isTerminal(compensation.task.state)) return;",
        'if (!compensation || id !== "") return;',
      ),
    ],
    test: {
      file: "test/gateway/template-tasks.test.ts",
      name: "is not done again while it is being compensated",
    },
  },
  {
    name: "a start that is heard after the cancel is forgotten",
    edits: [
      edit(
        "actors/run-tracker/report.ts",
        "return [...begun, ...stopped, counted];",
        "return [...stopped, counted];",
      ),
    ],
    test: {
      file: "test/runtime/workflows/compensation.test.ts",
      name: "a start that is heard only after the cancel",
    },
  },
];
