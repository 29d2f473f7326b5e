import { edit, type Mutant, type TestName } from "../mutant.js";

const shown = (name: string): TestName => ({ file: "test/gateway/tasker/shapes.test.ts", name });
const listed = (name: string): TestName => ({ file: "test/gateway/tasker/list-shapes.test.ts", name });
const paged = (name: string): TestName => ({ file: "test/gateway/tasker/pages.test.ts", name });
const created = (name: string): TestName => ({ file: "test/gateway/tasker/create.test.ts", name });
const read = (name: string): TestName => ({ file: "test/gateway/tasker/reads.test.ts", name });
const asked = (name: string): TestName => ({ file: "test/gateway/tasker/matrix.test.ts", name });
const ofWorker = (name: string): TestName => ({ file: "test/gateway/tasker/worker.test.ts", name });
const SHAPES = "src/gateway/tasker/shapes";
const REST = "src/gateway/tasker/rest";

/** Ways in which clients of Tasker could be told what is not so, or find what they do not know. */
export const taskerMutants: readonly Mutant[] = [
  {
    name: "tasker: a step's uuid is of another version",
    edits: [edit(`${SHAPES}/step-uuid.ts`, "| 0x50", "| 0x40")],
    test: shown("a Step's UUID is version 5 of its Task and name"),
  },
  {
    name: "tasker: a failure that is tolerated is not seen in the health",
    edits: [edit(`${SHAPES}/task-shape.ts`, "return tolerated > 0 || countOf", "return countOf")],
    test: shown("each kind of Task has its execution status"),
  },
  {
    name: "tasker: a step that waits for its backoff is ready",
    edits: [edit(`${SHAPES}/step-shape.ts`, " && nextAttemptAt <= now", "")],
    test: shown("a Step is ready from its next attempt on"),
  },
  {
    name: "tasker: what has moved on by itself is pending",
    edits: [edit(`${SHAPES}/dead-letter-shape.ts`, 'MOVED_ON: "manually_resolved"', 'MOVED_ON: "pending"')],
    test: listed("statistics of reasons"),
  },
  {
    name: "tasker: how far in a counted page begins is not bounded",
    edits: [
      edit(`${SHAPES}/pages.ts`, 'if (skip > 0 && token !== "") throw tooFar(field, offset, goOn);', ""),
    ],
    test: paged("how far in a counted page may begin is bounded"),
  },
  {
    name: "tasker: a page by number begins a row too late",
    edits: [edit(`${SHAPES}/pages.ts`, "offset: (page - 1) * perPage", "offset: (page - 1) * perPage + 1")],
    test: paged("a page that is counted is read by tokens"),
  },
  {
    name: "tasker: an unknown member of a request is dropped",
    edits: [
      edit(`${REST}/body.ts`, "if (!names.includes(name)) throw unknown(name, names, where);", "void names;"),
    ],
    test: created("an unknown member"),
  },
  {
    name: "tasker: the digits of a context are rounded",
    edits: [
      edit(
        `${REST}/body.ts`,
        'return value === undefined || value === null ? "" : exactJsonText(value);',
        'return value === undefined || value === null ? "" : JSON.stringify(JSON.parse(exactJsonText(value)));',
      ),
    ],
    test: created("a context keeps its digits"),
  },
  {
    name: "tasker: another result is shown for what was done by hand",
    edits: [
      edit(
        `${REST}/steps.ts`,
        'resultJson: word === "complete_manually" ? completionIn(sent) : ""',
        'resultJson: ""',
      ),
    ],
    test: read("an operator can complete_manually a Step"),
  },
  {
    name: "tasker: the token of a page is that of the first one",
    edits: [edit(`${REST}/tasks.ts`, "\n    begin,\n    field:", "\n    field:")],
    test: read("Tasks are listed by page number, and go on by token"),
  },
  {
    name: "tasker: whoever has no credential is not told so in the header",
    edits: [edit("src/wire/faults.ts", '["missing", "low"]', '["invalid", "low"]')],
    test: asked("needs a credential, and one with the scope"),
  },
  {
    name: "tasker: a server that starts says that it is ready",
    edits: [
      edit(
        `${REST}/health-pages.ts`,
        "return { status: readyStatus(), body: taskersParts(ReadinessResponseSchema, readiness(served)) };",
        "return { status: 200, body: taskersParts(ReadinessResponseSchema, readiness(served)) };",
      ),
    ],
    test: ofWorker("everybody may ask for the health"),
  },
];
