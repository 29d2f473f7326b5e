import { edit, type Mutant, type TestName } from "../mutant.js";

const runtime = (file: string, name: string): TestName => ({ file: `test/runtime/${file}.test.ts`, name });

const satisfied = "actors/task-finalizer/step-satisfied.ts";
const attempts = "actors/step/attempts.ts";
const graph = "src/domain/graph/graph.ts";
const compensation = "actors/task/compensation.ts";

/** Ways to build the workflow engine wrong. */
export const workflowMutants: readonly Mutant[] = [
  {
    name: "a step goes with the first result it waits for",
    edits: [
      edit(
        satisfied,
        "if (row.unsatisfied !== 1) return [satisfied];",
        "if (row.unsatisfied === 0) return [satisfied];",
      ),
      edit("actors/step/machine.ts", "context.unsatisfied === 0", "context.unsatisfied >= 0"),
    ],
    test: runtime("workflows/random-dags", "of 1 to 8 steps"),
  },
  {
    name: "the last result of a fan-in wakes nobody",
    edits: [
      edit(
        satisfied,
        "if (row.unsatisfied !== 1) return [satisfied];",
        "if (row.unsatisfied !== 0) return [satisfied];",
      ),
    ],
    test: runtime("workflows/random-dags", "ten results in one turn"),
  },
  {
    name: "steps live on when their task is cancelled",
    edits: [
      edit(
        "actors/view.ts",
        "filter(({ state }) => !hasEnded(state));",
        'filter(({ state }) => state === "in_progress" && !hasEnded(state));',
      ),
    ],
    test: runtime("workflows/random-dags", "and when they are cancelled nothing fires any more"),
  },
  {
    name: "what a message led to goes on after the end of its task",
    edits: [
      edit(
        "actors/view.ts",
        "return task && !isTerminal(task.state) ? task : undefined;",
        "return task && !isTerminal(task.state) ? task : task;",
      ),
    ],
    test: runtime("faults/defects", "a worker that dies with two steps of a task"),
  },
  {
    name: "a map's members stand for the map",
    edits: [edit(graph, 'if (spec.member && this.#types.get(spec.planned) === "map") continue;\n', "")],
    test: runtime("faults/defects", "what joins a map and a branch"),
  },
  {
    name: "a convergence does not wait for what may still be made",
    edits: [
      edit(
        graph,
        "return this.#mayPrecedeDependencies(step) ? [...new Set([...names, ...this.#sourcesOf(step)])] : names;",
        "return names;",
      ),
    ],
    test: runtime("workflows/random-dags", "of 5 to 60 steps"),
  },
  {
    name: "the end of a task is not the end of its story",
    edits: [
      edit(
        "src/runtime/machines/state-history.ts",
        "path.filter((state) => !isTerminal(state));",
        "path.filter((state) => state !== undefined || isTerminal(state));",
      ),
    ],
    test: runtime("faults/defects", "the story of a task that ends as it begins"),
  },
  {
    name: "members of a batch go when they like",
    edits: [
      edit(
        satisfied,
        'return !member || member.group === "" || member.index < (openedOf(task, member.group) ?? 0);',
        'return !member || member.group === "" || task !== undefined;',
      ),
    ],
    test: runtime("faults/defects", "no more workers of a batch at a time"),
  },
  {
    name: "no member lets the next one go",
    edits: [
      edit(
        satisfied,
        "return begins ? [opened, ...dispatchStep(task, next, at)] : [opened];",
        "return begins ? [opened] : [opened];",
      ),
    ],
    test: runtime("workflows/random-dags", "of 5 to 60 steps"),
  },
  {
    name: "a wait before the next try is in nobody's book",
    edits: [
      edit(
        attempts,
        '[wait, { type: "setDeadline", params: { ...keyOf(step), kind: "retry", at: until } }]',
        "[wait]",
      ),
    ],
    test: runtime("faults/crash-commits", "seven steps, of which some are tried again"),
  },
  {
    name: "an agent's hint to wait is not heeded",
    edits: [
      edit(
        attempts,
        "Math.min(retryAfter, limits.retryAfterMax)",
        "Math.min(0, retryAfter, limits.retryAfterMax)",
      ),
    ],
    test: runtime("faults/defects", "a step waits between its tries"),
  },
  {
    name: "a checkpoint costs an attempt",
    edits: [
      edit(
        "actors/step/machine.ts",
        "takeAttemptBack: assign(({ context, event }) => ({\n      attempts: context.attempts - 1,",
        'takeAttemptBack: assign(({ context, event }) => ({\n      attempts: context.attempts - (event.type === "yielded" ? 0 : 1),',
      ),
    ],
    test: runtime("workflows/workflows", "a step goes on from its checkpoint"),
  },
  {
    name: "an assignment that never reached its worker counts as a loss",
    edits: [
      edit(
        "actors/run-tracker/runs.ts",
        "if (sameProcess && !hasBegun(run)) {",
        "if (sameProcess && hasBegun(run)) {",
      ),
    ],
    test: {
      file: "test/actors/run-tracker.test.ts",
      name: "a run the returning worker does not show is lost",
    },
  },
  {
    name: "what was done first is undone first",
    edits: [
      edit(
        "actors/task/compensation-steps.ts",
        "    endOf(b) - endOf(a) ||\n    placeOf(b) - placeOf(a) ||",
        "    endOf(a) - endOf(b) ||\n    placeOf(a) - placeOf(b) ||",
      ),
    ],
    test: runtime("workflows/waiting", "what was done is undone in reverse order"),
  },
  {
    name: "undoing begins while a worker is still at it",
    edits: [edit(compensation, "at, !isHeld(id, view)),", "at),")],
    test: runtime("workflows/waiting", "undoing waits until the worker has let go"),
  },
  {
    name: "a child outlives its parent",
    edits: [edit("actors/step-types/child-task.ts", 'childId === "" ? [] :', 'childId !== "-" ? [] :')],
    test: runtime("workflows/waiting", "when the parent ends, the child is cancelled"),
  },
  {
    name: "an operator's retry has no attempts left",
    edits: [
      edit(
        "actors/step/machine.ts",
        "beginAnew: assign({ waits: undefined, attempts: 0, ",
        "beginAnew: assign({ ",
      ),
    ],
    test: runtime("faults/defects", "a step an operator tries anew"),
  },
  {
    name: "a version of a template can be changed",
    edits: [
      edit(
        "actors/task-request/register.ts",
        "known.digest === template.digest ? answer(known)",
        "known.digest !== changed.name ? answer({ ...known, ...template })",
      ),
    ],
    test: runtime("faults/defects-templates", "a running task keeps the template it began with"),
  },
];
