import { edit, type Mutant, type TestName } from "../mutant.js";

const file = "test/simulation/nodes/nodes.test.ts";
const worlds: TestName = { file, name: "keep every promise" };
const withoutWakes: TestName = { file, name: "no wake ever reaches" };

const life = "src/runtime/nodes/node-life.ts";
const membership = "src/runtime/nodes/membership.ts";
const commits = "src/runtime/memory/commit-of.ts";

const neverAlone = edit(
  membership,
  "    if (this.secondsLeft > 0) return false;\n",
  "    if (true) return false;\n",
);

/** Ways in which nodes are wrong together: worlds of several of them must notice, whatever else happens there. */
export const simulatedNodeMutants: readonly Mutant[] = [
  {
    name: "a poll does not hear of logs that have grown elsewhere",
    edits: [edit(life, "    followed.heard(tasks);\n", "")],
    test: withoutWakes,
  },
  {
    name: "a poll does not hear of its runs that have ended elsewhere",
    edits: [edit(life, "    this.#cancel(over);\n", "")],
    test: { file: "test/runtime/nodes/commands.test.ts", name: "a cancel through one node" },
  },
  {
    name: "nobody takes over from a node that is gone",
    edits: [edit(life, "    this.#takeOver.begin(dead);\n", "")],
    test: worlds,
  },
  {
    name: "a node remembers the waiting tasks of others as they were when it began",
    edits: [edit(life, "    core.memory.heard({ ...others, pausesAt: this.#pausesAt });\n", "")],
    test: withoutWakes,
  },
  {
    name: "a poll does not hear of lanes in which others have left steps",
    edits: [edit(life, "    this.#host.lanesHeard(lanes, lanes.length < limits.pollLanes);\n", "")],
    test: withoutWakes,
  },
  {
    name: "runs that were taken over have no lease",
    edits: [edit("src/runtime/nodes/take-over.ts", "      this.#expect(runs);\n", "")],
    test: worlds,
  },
  {
    name: "a node polls once, and then only when it is woken",
    edits: [
      edit(
        "src/runtime/nodes/poller.ts",
        "if (!this.#over) this.#wakeIn(this.#again ? limits.nodePollSoonest : limits.nodePoll);",
        "if (!this.#over && this.#again) this.#wakeIn(limits.nodePollSoonest);",
      ),
    ],
    test: withoutWakes,
  },
  {
    name: "a node goes on past its lease, and its commits do not say whose they are",
    edits: [neverAlone, edit(commits, "    ...(node !== undefined && { node }),\n", "")],
    test: worlds,
  },
];
