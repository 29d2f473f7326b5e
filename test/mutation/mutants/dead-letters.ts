import { edit, type Mutant, type TestName } from "../mutant.js";

const letters = (name: string): TestName => ({ file: "test/runtime/dead-letters.test.ts", name });
const stale = (name: string): TestName => ({ file: "test/runtime/stale-tasks.test.ts", name });
const damaged = (name: string): TestName => ({ file: "test/stores/sqlite/letter-damage.test.ts", name });
const standing = (name: string): TestName => ({ file: "test/runtime/staleness.test.ts", name });
const HANDLER = "actors/task-finalizer/dead-letter.ts";
const SUBMIT = "actors/task-request/submit.ts";
const STALENESS = "src/domain/task/staleness.ts";

/** Ways in which a Task that needs a person could be overlooked, counted twice, or done again twice. */
export const deadLetterMutants: readonly Mutant[] = [
  {
    name: "dead letters: a failed task has none",
    edits: [
      edit(
        "actors/task/machine.ts",
        'entry: ["enterDeadLetters", "endTheRest", "finish", "tellWaiting"]',
        'entry: ["endTheRest", "finish", "tellWaiting"]',
      ),
    ],
    test: letters("what has failed for good has one"),
  },
  {
    name: "dead letters: a child that fails has one of its own",
    edits: [
      edit(HANDLER, 'if (task.state === "error" && task.spec.parent) return closed(task, known, at);', ""),
      edit("actors/task/machine.ts", "  if (spec.parent && !hasDeadLetter) return;\n", ""),
    ],
    test: letters("a child that fails has none"),
  },
  {
    name: "dead letters: that of a held task stays pending when it goes on",
    edits: [
      edit(
        "actors/task/machine.ts",
        'entry: [passing("evaluating_results"), "clearGiveUpDeadline", "leaveDeadLetters"]',
        'entry: [passing("evaluating_results"), "clearGiveUpDeadline"]',
      ),
    ],
    test: letters("a held task has one"),
  },
  {
    name: "dead letters: a redrive is made each time that it is asked for",
    edits: [edit(SUBMIT, 'if (redrivenAs === "") return letter;', "return letter;")],
    test: letters("a redrive makes one task"),
  },
  {
    name: "dead letters: two redrives of one message make two tasks",
    edits: [edit(SUBMIT, "redrives.set(letter.taskId, task.id);", "")],
    test: letters("two redrives in one message"),
  },
  {
    name: "dead letters: a pending one does not keep its task",
    edits: [edit("src/stores/memory/store.ts", ".filter(({ task }) => !isPending(task.id))", "")],
    test: letters("a pending dead letter keeps its task"),
  },
  {
    name: "dead letters: what an operator has closed is asked again",
    edits: [
      edit(
        "actors/task-finalizer/task-stale.ts",
        '(known.status === "PENDING" || known.createdAt >= (found?.since ?? at))',
        'known.status === "PENDING"',
      ),
    ],
    test: stale("what somebody has closed is not asked again"),
  },
  {
    name: "dead letters: a worker that is heard of does not count",
    edits: [
      edit(
        STALENESS,
        'return runs.some(({ stepName, heldBy }) => stepName === step.name && heldBy !== "");',
        "return false;",
      ),
    ],
    test: stale("a template has thresholds of its own"),
  },
  {
    name: "dead letters: nobody is warned before a task is stale",
    edits: [edit(STALENESS, "const WARNING = 0.8;", "const WARNING = 1;")],
    test: standing("a task is healthy, then a warning from four fifths"),
  },
  {
    name: "dead letters: what has something ahead of it is told to be stale",
    edits: [edit(STALENESS, 'health: isAhead ? "HEALTHY" : healthOf(share),', "health: healthOf(share),")],
    test: standing("a task is healthy, then a warning from four fifths"),
  },
  {
    name: "dead letters: a template's own thresholds are for nobody",
    edits: [
      edit(
        "src/runtime/staleness.ts",
        "const terms = termsWith(own, row?.body.lifecycle);",
        "const terms = termsWith(own, row && undefined);",
      ),
    ],
    test: standing("what is said to be stale is what the search gives a dead letter"),
  },
  {
    name: "dead letters: what is paused is told to be stale",
    edits: [
      edit(
        "src/runtime/staleness.ts",
        'state === "enqueued" && pausesOver(task, agentName, pauses).length > 0;',
        'state === "pending" && pausesOver(task, agentName, pauses).length > 0;',
      ),
    ],
    test: standing("what is said to be stale is what the search gives a dead letter"),
  },
  {
    name: "dead letters: what has ended is listed with what has not",
    edits: [
      edit(
        STALENESS,
        "export const liveStates = taskStates.filter((state) => !isTerminal(state));",
        "export const liveStates = taskStates.filter(isTerminal);",
      ),
    ],
    test: standing("it goes page by page"),
  },
  {
    name: "dead letters: a namespace that is asked for is not kept to",
    edits: [
      edit(
        "src/api/dead-letters/list-staleness.ts",
        "const filter = { namespaces, states: liveStates };",
        'const filter = { namespaces: "*" as const, states: liveStates };',
      ),
    ],
    test: standing("it goes page by page"),
  },
  {
    name: "dead letters: a damaged one takes its task with it",
    edits: [edit("src/stores/sqlite/damage/incomplete.ts", " && table !== deadLetterTable.name", "")],
    test: damaged("repair takes out a damaged dead letter"),
  },
  {
    name: "dead letters: a task says that it has one which repair has taken out",
    edits: [edit("src/stores/sqlite/damage/mend.ts", "hasDeadLetter: false", "")],
    test: damaged("repair takes out a damaged dead letter"),
  },
  {
    name: "dead letter: a fork leaves it pending",
    edits: [edit("actors/task-request/submit.ts", "redriven ?? pendingOf(draft, view)", "redriven")],
    test: { file: "test/testing/plane/fork.test.ts", name: "a fork closes the dead letter" },
  },
  {
    name: "dead letter: a fork reopens what somebody has decided",
    edits: [
      edit("actors/task-request/submit.ts", 'letter?.status === "PENDING" ? letter : undefined', "letter"),
    ],
    test: { file: "test/testing/plane/fork.test.ts", name: "a fork leaves a dead letter of which somebody" },
  },
];
