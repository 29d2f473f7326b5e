import { edit, type Mutant, type TestName } from "../mutant.js";

const timeline = "src/inspect/view/timeline.ts";
const history = "src/inspect/view/history.ts";
const situation = "src/inspect/view/situation.ts";
const labels = "src/inspect/view/labels.ts";
const taken = "src/inspect/view/taken.ts";
const frame = "src/cli/inspect/frame.ts";

const viewTest = (file: string, name: string): TestName => ({
  file: `test/inspect/view/${file}.test.ts`,
  name,
});

/** Ways in which the inspector's page and command keep, or say, what is not so. */
export const inspectPageMutants: readonly Mutant[] = [
  {
    name: "inspector's page: actors are forgotten although they go on",
    edits: [edit(timeline, "(onlyEnded && !isOver(actor))", "false")],
    test: viewTest("timeline", "forgotten first"),
  },
  {
    name: "inspector's page: what dropped events led to is dropped too",
    edits: [edit(timeline, "const world = new Map(start.world);", "const world = new Map<string, Actor>();")],
    test: viewTest("timeline", "what they led to stays"),
  },
  {
    name: "inspector's page: a window that is opened late gets states of old",
    edits: [edit(history, "this.#actors.set(id, { ...before, snapshot: event.snapshot });", "")],
    test: viewTest("history", "the present state of every actor"),
  },
  {
    name: "inspector's page: a window that is opened late hears of all actors there ever were",
    edits: [edit(history, "    this.#forgetActors();\n", "")],
    test: viewTest("history", "forgotten first"),
  },
  {
    name: "inspector's page: a lost worker is a backoff",
    edits: [edit(situation, 'reason === "WORKER_LOST" || ', "")],
    test: viewTest("situation", "a lost worker"),
  },
  {
    name: "inspector's page: every way out is drawn",
    edits: [edit(labels, "const COMMON_FROM = 3;", "const COMMON_FROM = 99;")],
    test: viewTest("machine", "are written below"),
  },
  {
    name: "inspector's page: the way through a passing state is not marked",
    edits: [edit(taken, "const found = wayOn(", "const found = undefined && wayOn(")],
    test: viewTest("machine", "passed through"),
  },
  {
    name: "inspect command: a Step's name moves the cursor",
    edits: [edit(frame, "text: oneLine(label(actor.id))", "text: label(actor.id)")],
    test: { file: "test/cli/inspect.test.ts", name: "the screen is given back" },
  },
];
