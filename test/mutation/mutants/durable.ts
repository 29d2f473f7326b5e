import { edit, type Mutant, type TestName } from "../mutant.js";

const journal = "src/worker/journal/journal.ts";
const runner = "src/worker/journal/runner.ts";
const calls = "src/worker/journal/durable-calls.ts";
const ofRun = "src/worker/run/durable.ts";
const outbox = "src/worker/run/journal-outbox.ts";
const usage = "src/worker/run/usage-outbox.ts";
const inJournal = (name: string): TestName => ({ file: "test/worker/journal/journal.test.ts", name });
const inCalls = (name: string): TestName => ({ file: "test/worker/journal/durable-calls.test.ts", name });
const inSaid = (name: string): TestName => ({ file: "test/worker/journal/said.test.ts", name });
const inCrashes: TestName = { file: "test/worker/journal/crashes.test.ts" };
const inRun = (name: string): TestName => ({ file: "test/worker/durable.test.ts", name });
const inUsage = (name: string): TestName => ({ file: "test/worker/usage.test.ts", name });
const inTests = (name: string): TestName => ({ file: "test/testing/run-agent-durable.test.ts", name });

/** Ways in which a worker could do twice what must be done once, replay what does not fit, or lose what it has to say of it. */
export const durableMutants: readonly Mutant[] = [
  {
    name: "durable: an agent that asks for something else goes on",
    edits: [edit(journal, "!next.concurrent && next !== found", "!next.concurrent && next === undefined")],
    test: inJournal("a call that does not fit"),
  },
  {
    name: "durable: parallel steps must be asked for in the order of their records",
    edits: [edit(journal, "this.#inFlight === 0 && next && !next.concurrent", "next")],
    test: inCrashes,
  },
  {
    name: "durable: every step counts as begun alone",
    edits: [edit(journal, "this.#inFlight > 0 || this.#goingOn > 1", "false")],
    test: inCrashes,
  },
  {
    name: "durable: what goes on after two results at once counts as one",
    edits: [edit(journal, "this.#inFlight > 0 || this.#goingOn > 1", "this.#inFlight > 0")],
    test: inJournal("when two calls were settled at once"),
  },
  {
    name: "durable: what an agent goes on in spite of is not kept",
    edits: [
      edit(
        journal,
        "const before = this.#recordFailures(entry.inSpiteOf);",
        "const before: JournalRecord[] = [];",
      ),
    ],
    test: inCalls("in spite of which the agent goes on is kept"),
  },
  {
    name: "durable: a failure is final for steps that began before it",
    edits: [edit(journal, "this.#recordFailures(entry.inSpiteOf)", "this.#recordFailures(this.#failures)")],
    test: inCalls("began before a failure do not make it final"),
  },
  {
    name: "durable: what was not done may begin again though the agent went on",
    edits: [
      edit(
        journal,
        'entry.state === "NOT_DONE" ? [this.#write(entry, "BEGUN", {})] : []',
        "[] as JournalRecord[]",
      ),
    ],
    test: inCalls("not begun again where the agent went on"),
  },
  {
    name: "durable: an agent may return before it has asked for all",
    edits: [edit(journal, "if (next) throw leftOver(next);", "")],
    test: inJournal("with new ones between"),
  },
  {
    name: "durable: a journal has any number of open entries",
    edits: [edit(journal, "this.#open >= limits.journalOpen", "this.#open < 0")],
    test: inJournal("so many of them that are not over"),
  },
  {
    name: "durable: what is asked for first is told first, whatever was over first",
    edits: [edit("src/worker/journal/replay.ts", "if (entry.isTold) return;", "return;")],
    test: inCalls("of several waits the same is first"),
  },
  {
    name: "durable: what must be done once is done before it is written down",
    edits: [
      edit(runner, 'if (entry.effect === "ONCE") await this', 'if (entry.effect === "ONCE") void this'),
    ],
    test: inRun("not done before it is durable that it begins"),
  },
  {
    name: "durable: whatever a once step throws counts as not done",
    edits: [edit(runner, "error.retryable === true", "error !== undefined")],
    test: inCalls("a once step that throws is in doubt"),
  },
  {
    name: "durable: a run is suspended while a step is being done",
    edits: [
      edit(runner, "return this.#busy === 0 && this.#waiting.size > 0", "return this.#waiting.size > 0"),
    ],
    test: inRun("does not end to wait while a step is being done"),
  },
  {
    name: "durable: calls of a run that was stopped are left as they are",
    edits: [edit(runner, "for (const reject of this.#unsettled) reject(reason);", "")],
    test: inRun("a cancelled run settles its durable calls"),
  },
  {
    name: "durable: a step in doubt is done again",
    edits: [
      edit(calls, 'if (policy === "hold") throw', 'if (policy === "hold" && entry.number === 0) throw'),
    ],
    test: inSaid("a step in doubt ends the run"),
  },
  {
    name: "durable: tools are not counted",
    edits: [edit(calls, "keeper.used({", "void ({")],
    test: inUsage("tools tell what they do"),
  },
  {
    name: "durable: an agent with a journal may stop at a checkpoint",
    edits: [edit(ofRun, 'outcome.status === "YIELDED" &&', "outcome.status === undefined &&")],
    test: inRun("cannot stop at a checkpoint"),
  },
  {
    name: "durable: a child is what the plane has said, or nothing",
    edits: [edit(ofRun, "this.#children.get(seq) ??", 'this.#children.get(seq) ?? "" ??')],
    test: inRun("a child whose name was lost"),
  },
  {
    name: "durable: records overtake the output that was written before them",
    edits: [
      edit(
        outbox,
        "if (!next || next.chunks > chunksSent) return undefined;",
        "if (!next) return undefined;",
      ),
    ],
    test: { file: "test/worker/journal-outbox.test.ts", name: "follows the output" },
  },
  {
    name: "durable: a record that the plane lacks is not sent again",
    edits: [edit(outbox, "this.#missing !== nextSeq", "this.#missing > nextSeq")],
    test: inRun("a record that the plane lacks"),
  },
  {
    name: "durable: a report of usage that the server lacks is not sent again",
    edits: [edit(usage, "reports.missing = nextSeq;\n    reports.sent = 0;", "reports.missing = nextSeq;")],
    test: inUsage("a report that the server lacks is sent again"),
  },
  {
    name: "durable: usage is sent once",
    edits: [edit(usage, "for (const reports of this.#runs.values()) reports.sent = 0;", "")],
    test: inUsage("again after a lost connection"),
  },
  {
    name: "durable: a test's children do not fail",
    edits: [
      edit(
        "src/testing/agent-journal.ts",
        '{ ...entry, state: "FAILED", errorMessage: inWords(error) }',
        '{ ...entry, state: "COMPLETED", result: "" }',
      ),
    ],
    test: inTests("a child that throws is one"),
  },
];
