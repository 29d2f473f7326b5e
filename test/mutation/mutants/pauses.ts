import { edit, type Mutant, type TestName } from "../mutant.js";

const pauses = (name: string): TestName => ({ file: "test/runtime/pauses.test.ts", name });
const suite = (name: string): TestName => ({ file: "test/stores/memory.test.ts", name: `memory ${name}` });
const BOOK = "src/runtime/memory/pauses.ts";

/** Ways in which what is paused could be given out, or what is not be held back. */
export const pauseMutants: readonly Mutant[] = [
  {
    name: "pause: the scheduler serves paused lanes",
    edits: [
      edit(
        "actors/scheduler/schedule.ts",
        "view.lanes.filter(({ lane }) => isServed(lane, view.pauses))",
        "view.lanes.filter(({ lane }) => isServed(lane, view.pauses) || true)",
      ),
    ],
    test: pauses("a Step whose lane is paused holds up no Step of another lane"),
  },
  {
    name: "pause: a paused worker is offered",
    edits: [
      edit(
        "src/runtime/memory/offer.ts",
        "if (!isOffered(slots.session, pauses.present)) continue;",
        "if (!isOffered(slots.session, pauses.present)) deferred = deferred || false;",
      ),
    ],
    test: pauses("a paused worker is passed over, and others get what it would have got"),
  },
  {
    name: "pause: Steps of a paused template are given out",
    edits: [
      edit(
        "actors/scheduler/shelve.ts",
        "return template ? view.pauses.get(templateScope(template)) !== undefined : false;",
        "return template ? view.pauses.get(templateScope(template)) === null : false;",
      ),
    ],
    test: pauses("a paused template none of its Steps is given out, and Steps behind them are not held up"),
  },
  {
    name: "pause: what was behind shelved Steps waits until something happens",
    edits: [
      edit(
        "src/runtime/turn/scheduling.ts",
        'return before?.state === "enqueued" && after.state === "enqueued";',
        'return before?.state === "enqueued" && after.state === "pending";',
      ),
    ],
    test: pauses("a paused template none of its Steps is given out, and Steps behind them are not held up"),
  },
  {
    name: "pause: nobody wakes up when it ends",
    edits: [
      edit(
        "src/runtime/supervisor.ts",
        "earliest(backlog.nextAvoidEnd(at), pauses.present.nextEnd())",
        "backlog.nextAvoidEnd(at)",
      ),
    ],
    test: pauses("a pause with an end ends by itself, and is removed from the store"),
  },
  {
    name: "pause: memory forgets them at boot",
    edits: [edit(BOOK, "this.#present = new PauseSet(pauses);\n  }", "this.#present = NO_PAUSES;\n  }")],
    test: pauses("pauses survive a kill of the process, and those with an end end then"),
  },
  {
    name: "pause: one that was replaced is removed when the earlier one would have ended",
    edits: [
      edit(
        "src/stores/memory/pauses.ts",
        "if (this.#rows.get(key)?.until === until) this.#rows.delete(key);",
        "if (until !== undefined) this.#rows.delete(key);",
      ),
    ],
    test: suite("a pause that ends at another instant than said is not removed"),
  },
];
