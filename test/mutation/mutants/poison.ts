import { edit, type Mutant, type TestName } from "../mutant.js";

const poison = (name: string): TestName => ({ file: "test/runtime/faults/poison.test.ts", name });

const containment = "src/runtime/turn/containment.ts";

/** Builds in which a message that cannot be decided harms more than itself, or comes back for ever. */
export const poisonMutants: readonly Mutant[] = [
  {
    name: "drops a report that cannot be decided",
    edits: [
      edit(
        "src/runtime/turn/turn.ts",
        "await this.#cascades.decideForGood(first)",
        "await this.#cascades.decide(first)",
      ),
    ],
    test: poison("ends what it leads to, where that is what fails"),
  },
  {
    name: "reads a deadline again at once that cannot be decided",
    edits: [
      edit(
        containment,
        '    if (message.type === "deadline.passed") work.setDeadline({ ...keyOf(message), at: until });\n',
        "",
      ),
    ],
    test: poison("is left alone, ever longer, if its task cannot be ended"),
  },
  {
    name: "takes any fault thrown while deciding for the store's",
    edits: [
      edit(
        containment,
        "if (error instanceof StoreError) throw error;",
        "if (error instanceof StoreError || error instanceof Fault) throw error;",
      ),
    ],
    test: poison("a refusal thrown while deciding is a fault of that message, not of the store"),
  },
  {
    name: "leaves everybody without work where one step cannot be assigned",
    edits: [
      edit(
        "src/runtime/turn/scheduling.ts",
        "    if (outcome instanceof CascadeFailure) await this.#assignOneByOne(outcome, offer);\n",
        "",
      ),
    ],
    test: poison("ends its task, and everybody else gets theirs"),
  },
];
