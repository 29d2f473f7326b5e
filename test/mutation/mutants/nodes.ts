import { edit, type Mutant, type TestName } from "../mutant.js";

const at =
  (file: string) =>
  (name: string): TestName => ({ file: `test/runtime/nodes/${file}.test.ts`, name });
const memberships = at("membership");
const takeOvers = at("take-over");
const moves = at("moves");
const deadlines = at("deadlines");
const suite = (name: string): TestName => ({ file: "test/stores/shared-memory-suite.test.ts", name });

const membership = "src/runtime/nodes/membership.ts";
const nodeLife = "src/runtime/nodes/node-life.ts";
const shared = "src/stores/memory/shared.ts";

/** Ways in which a node goes on that should not, and in which what it leaves behind is lost or done twice. */
export const nodeMutants: readonly Mutant[] = [
  {
    name: "a node that was taken over goes on writing",
    edits: [edit(shared, "if (turn.node !== undefined) nodes.check(turn.node);", "")],
    test: takeOvers("what a paused node was about to commit"),
  },
  {
    name: "a lease is counted from the answer",
    edits: [
      edit(
        membership,
        "this.#goodAt = Math.max(this.#goodAt, sentAt);",
        "this.#goodAt = Math.max(this.#goodAt, clock.monotonic());",
      ),
    ],
    test: memberships("counted from when a renewal was sent"),
  },
  {
    name: "the first lease is counted from the answer",
    edits: [
      edit(membership, "    this.#goodAt = sentAt;\n", "    this.#goodAt = clock.monotonic() || sentAt;\n"),
    ],
    test: memberships("so it is from when it joined"),
  },
  {
    name: "a node that hears nothing of its store goes on",
    edits: [
      edit(
        membership,
        "if (this.#over || this.#endIfAlone()) return;\n    this.#wakeIn",
        "if (this.#over) return;\n    this.#wakeIn",
      ),
    ],
    test: memberships("counted from when a renewal was sent"),
  },
  {
    name: "a renewal that fails is not tried again soon",
    edits: [edit(membership, "this.#renewIn(limits.nodeRetry);", "this.#renewIn(limits.nodeRenew);")],
    test: memberships("one success is enough"),
  },
  {
    name: "the former node ends what its worker has taken to another one",
    edits: [
      edit(
        "actors/run-tracker/runs.ts",
        "return runsAt(view.heldBy(session), view).filter(({ heldBy }) => heldBy === session);",
        'return runsAt(view.heldBy(session), view).filter(({ heldBy }) => heldBy !== "");',
      ),
    ],
    test: moves("stays its own when the former node hears of it"),
  },
  {
    name: "a worker whose row has changed is taken for one that has gone",
    edits: [
      edit(
        "actors/run-tracker/worker-moved.ts",
        "if (row.session.id === session) return drained(own, row, at);",
        'if (row.session.id === "") return drained(own, row, at);',
      ),
    ],
    test: { file: "test/runtime/nodes/commands.test.ts", name: "a worker is drained through any node" },
  },
  {
    name: "a run that has gone elsewhere is adopted",
    edits: [
      edit(
        "actors/run-tracker/adopt.ts",
        'run.heldBy !== "" && (run.node ?? "") === from',
        'run.heldBy !== ""',
      ),
    ],
    test: takeOvers("is not adopted"),
  },
  {
    name: "a node that died while it took another one over is forgotten with it",
    edits: [
      edit(
        "src/stores/memory/nodes.ts",
        "return named.has(node.id) && (node.takenBy === own || !this.#isAtWork(node.takenBy));",
        "return false;",
      ),
    ],
    test: takeOvers("a node that dies while it takes another one over"),
  },
  {
    name: "a second node takes over what a live one has",
    edits: [
      edit(
        "src/stores/memory/nodes.ts",
        'if (node.takenBy !== "" && this.#isAtWork(node.takenBy)) return false;',
        "",
      ),
    ],
    test: takeOvers("of two nodes that find the same dead one"),
  },
  {
    name: "of what is adopted only the first page is",
    edits: [
      edit("src/runtime/nodes/take-over.ts", "} while (after !== undefined);", "} while (after === null);"),
    ],
    test: takeOvers("page by page"),
  },
  {
    name: "a lane that no node has any more is kept for ever",
    edits: [
      edit(
        nodeLife,
        "this.#host.lanesHeard(lanes, lanes.length < limits.pollLanes);",
        "this.#host.lanesHeard(lanes);",
      ),
    ],
    test: moves("forgets it when the poll lists all lanes without it"),
  },
  {
    name: "a poll asks for the same workers each time",
    edits: [
      edit(
        nodeLife,
        "this.#turns.page(limits.pollWorkers)",
        "[...this.#known.keys()].slice(0, limits.pollWorkers)",
      ),
    ],
    test: moves("asks for all of them in turn"),
  },
  {
    name: "a run that was given to a session that had gone is forgotten with it",
    edits: [
      edit(
        "actors/run-tracker/hello.ts",
        "resumeRuns(message, session, [previous, older], view, at)",
        "resumeRuns(message, session, [previous], view, at)",
      ),
    ],
    test: moves("if the worker comes back to the first node"),
  },
  {
    name: "every node is given what is due",
    edits: [
      edit(
        shared,
        "due: (at, limit) => claims.due(at, limit, by),",
        "due: (at, limit) => whole.due(at, limit),",
      ),
    ],
    test: deadlines("when its claim has lapsed"),
  },
  {
    name: "a commit that is sent twice at the same time is written twice",
    edits: [
      edit(
        shared,
        "    this.#answers.set(id, answer);\n",
        "    void answer.then(() => this.#answers.set(id, answer)).catch(() => {});\n",
      ),
    ],
    test: suite("that both processes send"),
  },
  {
    name: "rows of nodes that are gone are kept for ever",
    edits: [edit("src/runtime/timers/retention.ts", "      await this.sweepNodes();\n", "")],
    test: { file: "test/runtime/nodes/gone.test.ts", name: "gone for an hour" },
  },
];
