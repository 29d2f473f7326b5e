import { edit, type Mutant, type TestName } from "../mutant.js";

const worlds: TestName = { file: "test/simulation/simulation.test.ts", name: "keep every promise" };
const directly = (name: string): TestName => ({ file: "test/runtime/workers/held-in-doubt.test.ts", name });
const stale = (name: string): TestName => ({ file: "test/runtime/stale-tasks.test.ts", name });

const keeping = "actors/task-finalizer/journal.ts";
const journal = "actors/step/journal.ts";
const waits = "actors/step/waits.ts";
const doubt = "actors/step/doubt.ts";
const staleness = "src/domain/task/staleness.ts";

/** Ways to keep journals wrong, and to forget what agents wait for: worlds in which agents journal must notice. */
export const simulatedJournalMutants: readonly Mutant[] = [
  {
    name: "a record that is sent again is taken for a new one",
    edits: [edit(keeping, "if (record.seq !== before.records)", "if (record.seq > before.records)")],
    test: worlds,
  },
  {
    name: "what is known not to have been done may not begin again",
    edits: [
      edit(
        journal,
        'if (state === "NOT_DONE") return [...notDone, entry];',
        'if (state === "NOT_DONE") return notDone;',
      ),
    ],
    test: worlds,
  },
  {
    name: "nothing wakes a step when what it waits for ends by itself",
    edits: [edit(waits, "return at === undefined ? [] : [", "return at !== undefined ? [] : [")],
    test: worlds,
  },
  {
    name: "a signal that came before is not taken",
    edits: [
      edit(waits, "      if (came) {\n        signals", "      if (came && of.until) {\n        signals"),
    ],
    test: worlds,
  },
  {
    name: "a step with something in doubt begins again while its worker may still be at it",
    edits: [
      edit(doubt, "  return until > at ? until : undefined;\n", "  return until < at ? until : undefined;\n"),
    ],
    test: directly("is waited for when its attempt has taken too long"),
  },
  {
    name: "a worker that lets go of a step in doubt is not noticed",
    edits: [edit("actors/task-finalizer/run-released.ts", "...(step ? goOn(task, step, view, at) : [])", "")],
    test: directly("is waited for when its attempt has taken too long"),
  },
  {
    name: "a step whose agent waits without a run is taken for one at work",
    edits: [edit(staleness, " || atWork?.waits !== undefined", "")],
    test: stale("an agent that waits without a Run"),
  },
  {
    name: "whatever an agent has begun keeps its task from being stale",
    edits: [edit(staleness, "journal.open.filter(({ entry }) => waits.includes(entry))", "journal.open")],
    test: stale("an agent that waits without a Run"),
  },
];
