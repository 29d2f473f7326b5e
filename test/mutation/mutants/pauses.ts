import { edit, type Mutant, type TestName } from "../mutant.js";

const pauses = (name: string): TestName => ({ file: "test/runtime/pauses.test.ts", name });
const suite = (name: string): TestName => ({ file: "test/stores/memory.test.ts", name: `memory ${name}` });
const BOOK = "src/runtime/memory/pauses.ts";
const SCHEDULING = "src/runtime/turn/scheduling.ts";

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
    red: [
      pauses(
        "while a scope is paused, workers get nothing of it, and all of it once it is resumed the plane",
      ),
    ],
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
    red: [pauses("a paused worker is passed over, and others get what it would have got")],
  },
  {
    name: "pause: turns are taken for a lane that is not served",
    edits: [
      edit(
        SCHEDULING,
        "this.#unread(workers).some((lane) => isServed(lane, memory.pauses.present))",
        "this.#unread(workers).length > 0",
      ),
    ],
    red: [pauses("pauses survive a kill of the process, and those with an end end then")],
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
    red: [pauses("a pause with an end ends by itself, and is removed from the store")],
  },
  {
    name: "pause: memory forgets them at boot",
    edits: [edit(BOOK, "this.#present = new PauseSet(pauses);\n  }", "this.#present = NO_PAUSES;\n  }")],
    red: [pauses("pauses survive a kill of the process, and those with an end end then")],
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
    red: [suite("a pause that ends at another instant than said is not removed")],
  },
];
