import { edit, type Mutant, type TestName } from "../mutant.js";

const resolved = (name: string): TestName => ({ file: "test/actors/task-finalizer/resolve.test.ts", name });
const repaired = (name: string): TestName => ({ file: "test/runtime/workflows/repair.test.ts", name });
const forked = (name: string): TestName => ({ file: "test/runtime/workflows/forks.test.ts", name });
const bulk = (name: string): TestName => ({ file: "test/testing/plane/bulk.test.ts", name });
const audited = (name: string): TestName => ({ file: "test/testing/plane/step-audit.test.ts", name });
const RESOLVE = "actors/task-finalizer/resolve.ts";
const FORK = "src/domain/graph/fork.ts";
const ROWS = "actors/task/fork.ts";
const BULK = "src/api/tasks/bulk-tasks.ts";

/** Ways in which what people do by hand could be done twice, be forgotten, or rest on what is no longer so. */
export const repairMutants: readonly Mutant[] = [
  {
    name: "repair: the same request again is refused",
    edits: [
      edit(
        RESOLVE,
        "return [isRepeated(message, view, at) ? replyTask(taskId) : refuse(done)];",
        "return [refuse(done)];",
      ),
    ],
    test: resolved("changes nothing and is answered as the first one was"),
  },
  {
    name: "repair: a reset that is sent again stops the new run",
    edits: [
      edit(
        RESOLVE,
        "if (action.entry === undefined && isResetAgain(message, view, at)) return [replyTask(taskId)];",
        "",
      ),
    ],
    test: repaired("the same reset again, within a minute"),
  },
  {
    name: "repair: another result passes for the same",
    edits: [
      edit(
        RESOLVE,
        '(view.output(key) ?? "") === action.output',
        "view.output(key) !== action.output || true",
      ),
    ],
    test: resolved("is refused from somebody else"),
  },
  {
    name: "repair: the deadline of a backoff outlives a reset",
    edits: [
      edit(
        RESOLVE,
        '? (["retry"] as const) : (["retry", own] as const)',
        "? ([] as const) : ([own] as const)",
      ),
    ],
    test: resolved("one that waits for its next attempt begins it now"),
  },
  {
    name: "repair: what was done by hand is not told before the run that it has made",
    edits: [
      edit(
        "src/api/tasks/get-step-audit.ts",
        "[...takenOver(task, step), ...actions, ...ofStep]",
        "[...takenOver(task, step), ...ofStep, ...actions]",
      ),
    ],
    test: audited("a Step's history has its Runs"),
  },
  {
    name: "fork: what one of several decisions has chosen is taken for another's",
    edits: [edit(FORK, "while (addDecisions(plan, anew)) {", "while (false as boolean) {")],
    test: forked("that one of several decisions has chosen"),
  },
  {
    name: "fork: members of a map are kept beside its list",
    edits: [edit(FORK, "return !group?.spec.map;", "return true;")],
    test: forked("of a batch are made anew as a whole"),
  },
  {
    name: "fork: a member of a group is done anew alone",
    edits: [edit(FORK, '...(group === "" ? [] : [group])', "")],
    test: forked("of a map are made anew from within it"),
  },
  {
    name: "fork: what was compensated is taken for done",
    edits: [edit(ROWS, "compensatedAmong(old, kept) ?? tooMuch(old, kept)", "tooMuch(old, kept)")],
    test: forked("what was compensated is not taken for done"),
  },
  {
    name: "fork: what was taken over is compensated",
    edits: [edit(ROWS, "const { compensation: _, ...spec } = former.spec;", "const spec = former.spec;")],
    test: forked("what a fork has taken over it does not compensate"),
  },
  {
    name: "fork: the order of the old task goes on",
    edits: [edit(ROWS, "map(({ name }, i) => [name, i + 1])", "map(({ name }) => [name, 0])")],
    test: forked("a fork of a fork keeps what both have done"),
  },
  {
    name: "bulk: tasks that it has made itself are dealt with",
    edits: [edit(BULK, 'return bulkId !== "" && idempotencyKey', 'return bulkId === "" && idempotencyKey')],
    test: bulk("retry makes one Task of each"),
  },
  {
    name: "bulk: a task is retried as often as it is asked for",
    edits: [
      edit(
        "src/api/tasks/bulk-actions.ts",
        "identityOfRetry(task.id, bulkKey(terms.bulkId, task.id))",
        'identityOfRetry(task.id, "")',
      ),
    ],
    test: bulk("retry makes one Task of each"),
  },
  {
    name: "bulk: a dry run does it",
    edits: [
      edit(
        BULK,
        "if (dryRun) batch.countAll(page.tasks);",
        "if (dryRun && bulkId) batch.countAll(page.tasks);",
      ),
    ],
    test: bulk("a dry run counts and changes nothing"),
  },
  {
    name: "bulk: whoever may list may cancel",
    edits: [
      edit(
        BULK,
        "if (!dryRun && !services.roles.allows(caller.roles, scope)) throw scopeMissing(action, scope);",
        "",
      ),
    ],
    test: { file: "test/api/bulk-tasks.test.ts", name: "cancel of all needs what that of one needs" },
  },
];
