import { edit, type Mutant, type TestName } from "../mutant.js";

const explain = (name: string): TestName => ({ file: "test/runtime/explain.test.ts", name });
const PLANE = "src/runtime/plane/explain.ts";
const EXPLANATION = "src/domain/task/explanation.ts";

/** Ways in which a Task could be said to wait for what it does not wait for. */
export const explainMutants: readonly Mutant[] = [
  {
    name: "explain: a worker without a free slot is about to take the Step",
    edits: [edit(PLANE, "if (held >= capacity)", "if (held > capacity)")],
    test: explain("200 situations"),
  },
  {
    name: "explain: a worker that drains is about to take the Step",
    edits: [edit(PLANE, 'if (state === "draining") return refused("DRAINING");\n', "")],
    test: explain("200 situations"),
  },
  {
    name: "explain: a worker that has lost its connection is as any other",
    edits: [edit(PLANE, 'if (state === "detached") return refused("GONE", "", lostAt);\n', "")],
    test: explain("200 situations"),
  },
  {
    name: "explain: what an agent announces of its concurrency does not count",
    edits: [edit(PLANE, "if (concurrency > 0 && heldOfAgent >= concurrency)", "if (heldOfAgent < 0)")],
    test: explain("200 situations"),
  },
  {
    name: "explain: a pause of its template is nothing that a Step waits for",
    edits: [edit("src/domain/pause/pause.ts", "    ...(template ? [templateScope(template)] : []),\n", "")],
    test: explain("200 situations"),
  },
  {
    name: "explain: a Run whose worker is away goes on",
    edits: [
      edit(
        "src/api/tasks/explain-task.ts",
        "const lostAt = run && absences.get(run.heldBy);",
        "const lostAt = undefined;",
      ),
    ],
    test: explain("shows at once in what it held"),
  },
  {
    name: "explain: dependencies that are done are still waited for",
    edits: [edit(EXPLANATION, "before.has(other.name) && !satisfies(other)", "before.has(other.name)")],
    test: explain("dependencies, a timer, a signal"),
  },
  {
    name: "explain: the place in the queue counts from the end",
    edits: [
      edit(
        "src/stores/memory/reads.ts",
        "compareReady(readyStep(other), place) < 0",
        "compareReady(readyStep(other), place) > 0",
      ),
    ],
    test: explain("the place in a queue"),
  },
  {
    name: "explain: of a failure only the Task is told",
    edits: [edit("src/api/tasks/failures.ts", "...(failed ? ofStep(next, failed) : [])", "")],
    test: explain("a failure is told from the Task to the Run"),
  },
];
