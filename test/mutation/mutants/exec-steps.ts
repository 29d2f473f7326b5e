import { edit, type Mutant, type TestName } from "../mutant.js";

const steps = (name: string): TestName => ({ file: "test/worker/exec-steps.test.ts", name });
const DIALOGUE = "src/worker/exec/step-dialogue.ts";

/** Ways in which a program could be told wrongly about its durable steps. */
export const execStepsMutants: readonly Mutant[] = [
  {
    name: "exec steps: a program goes on before its result is durable",
    edits: [edit(DIALOGUE, "    return step.kept.then(", "    return Promise.resolve().then(")],
    test: steps("told nothing of a step before"),
  },
  {
    name: "exec steps: a step in whose middle a program has ended counts for nothing",
    edits: [edit("src/worker/exec/exec.ts", 'exit === "code 0" && left !== undefined', "left === null")],
    test: steps("ends in the middle of a step"),
  },
  {
    name: "exec steps: what failed in an earlier run has a result",
    edits: [
      edit(
        DIALOGUE,
        "({ error: error instanceof Error ? error.message : String(error) })",
        "({ result: String(error) })",
      ),
    ],
    test: steps("what an earlier run has done is told"),
  },
  {
    name: "exec steps: unknown members of a request are passed over",
    edits: [edit("src/worker/exec/step-request.ts", "if (unknown !== undefined)", "if (unknown === null)")],
    test: steps("a line that is no request is refused"),
  },
];
