import { edit, type Mutant, type TestName } from "../mutant.js";

const units = (name: string): TestName => ({ file: "test/runtime/nodes/units.test.ts", name });
const backlogs = (name: string): TestName => ({ file: "test/runtime/nodes/backlog.test.ts", name });
const fresh = (name: string): TestName => ({ file: "test/runtime/nodes/fresh-reads.test.ts", name });
const stale = (name: string): TestName => ({ file: "test/runtime/nodes/stale-rows.test.ts", name });

const workspace = "src/runtime/memory/workspace.ts";
const turn = "src/runtime/turn/turn.ts";
const scheduling = "src/runtime/turn/scheduling.ts";
const cache = "src/stores/shared/caching-store.ts";

/** Ways in which two nodes over one store decide on what is no longer so. */
export const unitMutants: readonly Mutant[] = [
  {
    name: "a decision does not rest on the Task that it only looked at",
    edits: [edit(workspace, 'if (row && this.seen) this.seen.note("tasks", id, row.revision);', "")],
    test: units("no two can skew"),
  },
  {
    name: "a conflict decides the whole turn again",
    edits: [edit(turn, "const first = units.firstLoser(conflict);", "const first = 0;")],
    test: units("only what may have taken the name"),
  },
  {
    name: "a taken name decides the whole turn again",
    edits: [
      edit(
        "src/runtime/turn/units.ts",
        "moved.length === 0 ? seen.takesName :",
        "moved.length === 0 ? true :",
      ),
    ],
    test: units("only what may have taken the name"),
  },
  {
    name: "what has moved stays in the turn that decides again",
    edits: [edit(turn, "      this.#work.forget(conflict.moved);\n", "")],
    test: units("no two can skew"),
  },
  {
    name: "what has moved stays in the cache",
    edits: [edit(cache, "for (const ref of error.moved) cached.tasks.forgetRow(ref);", "")],
    test: units("a report over a cached run"),
  },
  {
    name: "a client is answered by what a cache remembers",
    edits: [
      edit("src/runtime/turn/row-loader.ts", "if (isFresh?.(i) && namesRows(needs)) this.#fresh = true;", ""),
    ],
    test: fresh("a refusal that writes nothing"),
  },
  {
    name: "a client reads a live Task as a cache remembers it",
    edits: [
      edit(
        cache,
        "    task: (id, namespaces) => reads.task(id, namespaces),\n",
        "    task: cachingReads(reads, cached).task,\n",
      ),
    ],
    test: fresh("what one node has changed"),
  },
  {
    name: "a claimed step that has gone stands before all others",
    edits: [edit(scheduling, "if (memory.backlog.shared && (await this.#dropGone())) return true;", "")],
    test: backlogs("a step of another node that is claimed"),
  },
  {
    name: "a step that was made ready elsewhere is what a cache remembers of it",
    edits: [
      edit(scheduling, '    work.forget(steps.map((step) => ({ kind: "steps", id: stepKey(step) })));\n', ""),
    ],
    test: stale("made ready again"),
  },
  {
    name: "what another node has made of a Task is not there",
    edits: [edit("src/stores/shared/task-cache.ts", "return whole && !this.#shared;", "return whole;")],
    test: stale("a member that another node"),
  },
  {
    name: "a ready step stays in the memory of the node that made it",
    edits: [edit(scheduling, "    backlog.keepClaimed(core.clock.now(), journal);\n", "")],
    test: backlogs("takes no slot of this one"),
  },
  {
    name: "a message that fails over stale rows fails for good",
    edits: [
      edit(
        "src/runtime/turn/containment.ts",
        "if (this.#tools.lookAgain?.()) return this.decide(first, offer);",
        "",
      ),
    ],
    test: units("over rows of two moments"),
  },
  {
    name: "what loses again and again keeps all others waiting",
    edits: [edit(turn, "if (round < limits.conflictRounds) {", "if (round < 1_000) {")],
    test: units("what loses again and again"),
  },
];
