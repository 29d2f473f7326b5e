import { edit, type Mutant, type TestName } from "../mutant.js";

const FILTER = "src/domain/task/filter.ts";
const API = "src/api/tasks/task-filter.ts";
const stored = (name: string): TestName => ({ file: "test/stores/memory.test.ts", name });
const sent = (name: string): TestName => ({ file: "test/gateway/validation.test.ts", name });

/** Ways in which what an operator uses every day could show what is not so. */
export const dailyMutants: readonly Mutant[] = [
  {
    name: "filter: the last instant is included",
    edits: [edit(FILTER, "id < beginningAt(createdBefore)", "id.slice(0, 13) <= beginningAt(createdBefore)")],
    test: stored("keeps to the instants in the ids"),
  },
  {
    name: "filter: a text of another field is as good as the correlation id",
    edits: [
      edit(
        FILTER,
        "spec.correlationId === correlationId",
        "JSON.stringify(spec).includes(JSON.stringify(correlationId))",
      ),
    ],
    test: stored("template, parent, correlation id and creator"),
  },
  {
    name: "filter: a template of another namespace fits",
    edits: [edit(FILTER, '(namespace === "" || made.namespace === namespace) &&\n', "")],
    test: stored("template, parent, correlation id and creator"),
  },
  {
    name: "filter: whatever is in a state of waiting waits",
    edits: [edit("src/domain/task/waiting-reason.ts", "if (ready === 0) return undefined;\n", "")],
    test: stored("those who wait for something"),
  },
  {
    name: "filter: states that the status excludes find nothing, in silence",
    edits: [
      edit(API, "possibleStates(asked).length > 0) return undefined", "asked.states) return undefined"),
    ],
    test: sent("states that the status excludes"),
  },
  {
    name: "filter: a search for children looks at all older Tasks",
    edits: [edit(API, "latest(asked.createdAfterMs, firstChildAt(parentTaskId))", "asked.createdAfterMs")],
    test: { file: "test/api/task-filter.test.ts", name: "not looked for among Tasks that are older" },
  },
];
