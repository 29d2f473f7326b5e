import { edit, type Mutant, type TestName } from "../mutant.js";

const ways = (name: string): TestName => ({ file: "test/runtime/workers/held-in-doubt.test.ts", name });
const underWay = (name: string): TestName => ({ file: "test/worker/once-under-way.test.ts", name });
const worlds: TestName = { file: "test/simulation/simulation.test.ts", name: "keep every promise" };
const doubt = "actors/step/doubt.ts";

/** Ways to begin a step anew too soon, while a worker may still be at what must be done once, or too late. */
export const beginAgainMutants: readonly Mutant[] = [
  {
    name: "a run that is reset by hand is not waited for",
    edits: [
      edit(doubt, 'run.heldBy === "" || inDoubt', 'run.heldBy === "" || run.finishedAt === 0 || inDoubt'),
    ],
    test: ways("waits until that has let go when it is reset while it is at work"),
  },
  {
    name: "a step that is to begin anew does so at once",
    edits: [edit(doubt, "if (held === undefined) return dispatch", "if (held !== at) return dispatch")],
    test: ways("waits until that has let go when its budget is used up, and raised"),
  },
  {
    name: "in worlds where people reset steps nobody waits for the workers of these",
    edits: [edit(doubt, "if (held === undefined) return dispatch", "if (at > 0) return dispatch")],
    test: worlds,
  },
  {
    name: "a worker that never lets go is waited for without end",
    edits: [edit(doubt, 'kind: "retry", at: held }', 'kind: "retry", at: (held * 2) as Instant }')],
    test: ways("waits for no more than five minutes when it is reset while it is at work"),
  },
  {
    name: "of an entry at which a worker may still be a person may speak",
    edits: [
      edit("actors/task-finalizer/resolve-entry.ts", "if (isLive || held !== undefined)", "if (isLive)"),
    ],
    test: ways("may be decided about meanwhile"),
  },
  {
    name: "what was said of an entry counts for its next begin",
    edits: [
      edit("actors/task-finalizer/resolve-entry.ts", "if (said) return", "if (said && at < said.at) return"),
    ],
    test: ways("settles nothing once it is in doubt again"),
  },
  {
    name: "what was said of one entry was said of all",
    edits: [edit("actors/step/by-hand.ts", " && done.entry === entry", "")],
    test: ways("is no reset of its step, nor said of another entry"),
  },
  {
    name: "a signal for a step that is held is lost",
    edits: [
      edit(
        "actors/task-finalizer/agent-signal.ts",
        "(mayGoOn || !hasEnded(step.state))",
        "!hasEnded(step.state)",
      ),
    ],
    test: ways("a signal that comes while its step is held"),
  },
  {
    name: "a worker says that a run has failed while something is done that must be done once",
    edits: [
      edit(
        "src/worker/run/run.ts",
        "if (this.#durable?.allSent === false || this.#durable?.mayEnd() === false)",
        "if (this.#durable?.allSent === false)",
      ),
    ],
    test: underWay("because another step is in doubt"),
  },
  {
    name: "an agent that returns cuts off what must be done once",
    edits: [
      edit(
        "src/worker/run/durable.ts",
        "if (this.calls.runner.work.isActing) await this.#waitUntilDone();",
        "",
      ),
    ],
    test: underWay("has its result journaled"),
  },
  {
    name: "runs that only waited are paced and bounded as others",
    edits: [edit("actors/step/requeue.ts", "step.fence - journalOf(step).suspensions", "step.fence")],
    test: {
      file: "test/actors/task-finalizer/run-ended.test.ts",
      name: "is neither slowed nor stopped for runs that only waited",
    },
  },
];
