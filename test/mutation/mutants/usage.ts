import { edit, type Mutant, type TestName } from "../mutant.js";

const actor = (name: string): TestName => ({ file: "test/actors/usage.test.ts", name });
const runtime = (name: string): TestName => ({ file: "test/runtime/usage.test.ts", name });
const asked = (name: string): TestName => ({ file: "test/api/get-usage.test.ts", name });
const priced = (name: string): TestName => ({ file: "test/domain/prices.test.ts", name });
const suite = (name: string): TestName => ({ file: "test/stores/memory.test.ts", name: `memory ${name}` });
const HEARD = "actors/run-tracker/usage.ts";

/** Ways in which what is used could be counted twice, not at all, or where it does not belong. */
export const usageMutants: readonly Mutant[] = [
  {
    name: "usage: a repeat counts again",
    edits: [edit(HEARD, "if (seq !== next)", "if (seq > next)")],
    test: actor("each seq counts once: a repeat and what is ahead are answered with what is there"),
  },
  {
    name: "usage: what is ahead counts, and what is between never will",
    edits: [edit(HEARD, "if (seq !== next)", "if (seq < next)")],
    test: actor("each seq counts once: a repeat and what is ahead are answered with what is there"),
  },
  {
    name: "usage: of an ended Task it is logged behind the end",
    edits: [edit(HEARD, "...(isLate ? []", "...(isLate && !view ? []")],
    test: runtime("usage that comes after the end counts as late, and the log still ends with the end"),
  },
  {
    name: "usage: a worker never forgets what it says of a Run that is gone",
    edits: [
      edit(
        HEARD,
        '...refused("unknown"), ...ack(heard, seq + 1)',
        '...refused("unknown"), ...ack(heard, seq)',
      ),
    ],
    test: runtime("usage of a run that nobody knows is acknowledged, so that its worker forgets it"),
  },
  {
    name: "usage: what a child uses does not count in its parent",
    edits: [
      edit(
        "actors/task-finalizer/usage.ts",
        "if (spec?.parent) ids.add(spec.parent.taskId);",
        "if (spec?.parent) ids.add(taskId);",
      ),
    ],
    test: actor("usage counts in every task that its own belongs to, each once"),
  },
  {
    name: "usage: what is late is not told apart",
    edits: [edit("src/runtime/memory/usage-writes.ts", "...(isLate && {", "...(isLate && !used && {")],
    test: runtime("usage that comes after the end counts as late, and the log still ends with the end"),
  },
  {
    name: "usage: sums over Tasks are not written",
    edits: [edit("src/runtime/memory/commit-of.ts", "...(used && { used }),", "...(used && {}),")],
    test: runtime(
      "what is used adds up by day, namespace, agent and model, and stays when its tasks are removed",
    ),
  },
  {
    name: "usage: a store takes what was used last for the sum",
    edits: [
      edit(
        "src/stores/memory/usage-sums.ts",
        "used: addUsage(there.used, sum.used)",
        "used: addUsage(sum.used, sum.used)",
      ),
    ],
    test: suite("what is used adds up by namespace, day, agent and model, and outlasts a restart"),
  },
  {
    name: "usage: workers make up names without end",
    edits: [
      edit(
        "src/stores/memory/usage-sums.ts",
        "count >= limits.usageSumsPerDay",
        "count > 2 * limits.usageSumsPerDay",
      ),
    ],
    test: suite("names beyond what is kept of a namespace and day are counted as others, and old days go"),
  },
  {
    name: "usage: cached tokens cost twice",
    edits: [edit("src/domain/task/prices.ts", "used.inputTokens - cached", "used.inputTokens")],
    test: priced("cached tokens are part of the input, and no more than all of it"),
  },
  {
    name: "usage: a cost is cut instead of rounded",
    edits: [edit("src/domain/task/prices.ts", "(parts + PARTS / 2n) / PARTS", "parts / PARTS")],
    test: priced("a cost is the sum of what its tokens cost, rounded once, a half up"),
  },
  {
    name: "usage: a page begins with what the one before has ended with",
    edits: [edit("src/api/usage/get-usage.ts", "inOrder(after, group) < 0", "inOrder(after, group) <= 0")],
    test: asked("pages go on where the one before has ended, and only the first has the total"),
  },
  {
    name: "usage: what is cut off is passed off as all",
    edits: [
      edit(
        "src/api/usage/get-usage.ts",
        "if (found.length > limits.usageSumsRead)",
        "if (found.length > 2 * limits.usageSumsRead)",
      ),
    ],
    test: asked("more sums than one request looks at are refused, and narrowing helps"),
  },
];
