import { edit, type Mutant, type TestName } from "../mutant.js";

const BUDGET = "actors/task/budget.ts";
const inTest = (name: string): TestName => ({ file: "test/runtime/budgets.test.ts", name });
const spent = (name: string): TestName => ({ file: "test/testing/plane/spending.test.ts", name });
const held = (name: string): TestName => ({ file: "test/runtime/holding.test.ts", name });

/** Ways in which a budget would not hold, or would cost more than it bounds. */
export const budgetMutants: readonly Mutant[] = [
  {
    name: "budget: runs are given out after it is used up",
    edits: [
      edit(
        "actors/scheduler/assign.ts",
        "const why = usedUp(task, view, at);",
        "const why = undefined as string | undefined;",
      ),
    ],
    test: inTest("no run is given out once it is used up"),
  },
  {
    name: "budget: the tasks below go on",
    edits: [edit(BUDGET, "return [...own, ...spawned].map((id) => lookSoon(id, at));", "return [];")],
    test: inTest("the tasks below share it"),
  },
  {
    name: "budget: an attempt is lost by it",
    edits: [
      edit(
        "actors/step/machine.ts",
        'context.attempts - (context.state === "in_progress" ? 1 : 0)',
        "context.attempts",
      ),
    ],
    test: inTest("costs no attempt"),
  },
  {
    name: "budget: what nobody has raised is tried again",
    edits: [edit("actors/task-finalizer/child-ended.ts", ' && child.reason !== "BUDGET_EXCEEDED"', "")],
    test: inTest("is not made anew"),
  },
  {
    name: "budget: the same request counts twice",
    edits: [edit("actors/task-finalizer/top-up.ts", "requests.includes(requestId)", "false")],
    test: inTest("a request to raise it counts once"),
  },
  {
    name: "budget: too little is taken",
    edits: [edit("actors/task-finalizer/top-up.ts", " ?? tooLittle(task, after, add, used)", "")],
    test: inTest("topped up it goes on and completes"),
  },
  {
    name: "budget: runs count as held after their end",
    edits: [edit("actors/run/machine.ts", 'taskIds && heldBy !== ""', "taskIds && false")],
    test: inTest("wall_ms counts the time runs are held"),
  },
  {
    name: "budget: who spends on waits to be looked at",
    edits: [
      edit(
        "actors/task-finalizer/usage.ts",
        "...(goesOn ? lookAtSpender(taskId, used, view, moment.at) : []),",
        "",
      ),
    ],
    test: {
      file: "test/runtime/nodes/budgets.test.ts",
      name: "a run at another node ends with its next report",
    },
  },
  {
    name: "budget: what was done when it was used up is done again",
    edits: [
      edit(
        "actors/run-tracker/journal.ts",
        'return reason === "BUDGET_EXCEEDED" && heldBy === session;',
        "return false;",
      ),
    ],
    test: spent("goes on from its journal when that is raised"),
  },
  {
    name: "budget: something begins after it is used up",
    edits: [edit("actors/run-tracker/journal.ts", ' || report.record.state === "BEGUN"', "")],
    test: {
      file: "test/runtime/workers/journal.test.ts",
      name: "what a Run had done when it used up its budget counts",
    },
  },
  {
    name: "budget: nobody is told to raise it while what is below is held",
    edits: [edit("src/api/tasks/next-actions.ts", "...budgets.map(toppingUp),", "")],
    test: spent("what agents below use counts"),
  },
  {
    name: "held: a step in doubt fails its task",
    edits: [edit("src/domain/task/task.ts", "spec.holdOnFailure || holds > 0", "spec.holdOnFailure")],
    test: held("a step in doubt holds its task"),
  },
  {
    name: "held: a strategy for members passes over what is in doubt",
    edits: [edit("src/domain/task/step.ts", "heldFor === undefined && tolerates(spec)", "tolerates(spec)")],
    test: held("is tolerated by no strategy"),
  },
];
