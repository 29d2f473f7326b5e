import { edit, type Mutant, type TestName } from "../mutant.js";

const reads = (name: string): TestName => ({ file: "test/gateway/journal.test.ts", name });
const waits = (name: string): TestName => ({ file: "test/domain/suspension.test.ts", name });
const shown = (name: string): TestName => ({ file: "test/cli/journal.test.ts", name });
const PAGE = "src/api/tasks/get-step-journal.ts";
const SUSPENSION = "src/domain/task/suspension.ts";

/** Ways in which a journal could be read wrongly, or a suspended Step be said to wait for what it does not. */
export const journalMutants: readonly Mutant[] = [
  {
    name: "journal: an ended Run reads on",
    edits: [edit("src/api/runs/get-journal.ts", "    checkTries(run, asked);\n", "")],
    test: reads("after its end is refused"),
  },
  {
    name: "journal: the last page leads to one more",
    edits: [edit(PAGE, "end < written ?", "end <= written ?")],
    test: reads("the last page says that it is"),
  },
  {
    name: "journal: what a live Run does is in doubt",
    edits: [edit(PAGE, "if (isLive || !journal)", "if (!journal)")],
    test: reads("in doubt while no Run can be doing it"),
  },
  {
    name: "journal: what may be done again is in doubt",
    edits: [edit(PAGE, 'open.effect === "ONCE" && ', "")],
    test: reads("in doubt while no Run can be doing it"),
  },
  {
    name: "journal: a Step waits for all that is open",
    edits: [edit(SUSPENSION, "wanted.has(entry)", "entry > 0")],
    test: waits("waits for none of what is open"),
  },
  {
    name: "journal: a wait ends with the first of its names",
    edits: [edit(SUSPENSION, ".reduce(earliest)", "[0]")],
    test: waits("the first of several"),
  },
  {
    name: "journal: an entry in doubt is resolved with its Step",
    edits: [
      edit("src/client/task-messages.ts", "journalEntry = 0 }", "journalEntry: _ = 0 }"),
      edit("src/client/task-messages.ts", "reason, journalEntry }", "reason }"),
    ],
    test: shown("by its number"),
  },
  {
    name: "journal: only the first page is shown",
    edits: [edit("src/cli/task/journal.ts", "pageToken = page.nextPageToken;", 'pageToken = "";')],
    test: shown("table of its entries"),
  },
];
