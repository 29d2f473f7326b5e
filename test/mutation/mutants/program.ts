import { edit, type Mutant } from "../mutant.js";

const pipe = "src/worker/exec/program-pipe.ts";
const exec = "test/worker/exec.test.ts";

/** Of the programs that a worker runs: when their Run ends, what of them it passes on, and what becomes of them. */
export const programMutants: readonly Mutant[] = [
  {
    name: "a run stays open as long as a daemon holds its program's pipe",
    edits: [edit(pipe, "        if (!over) this.#close();\n", "")],
    test: { file: exec, name: "though a daemon holds its pipes and waits" },
  },
  {
    name: "a daemon that writes now and then keeps the run open",
    edits: [edit(pipe, "      this.#waitMs = Math.max(0, this.#waitMs - (monotonic() - startedMs));\n", "")],
    test: { file: exec, name: "writes a little again and again" },
  },
  {
    name: "a daemon that writes as much as it can keeps the run open",
    edits: [edit(pipe, "        if (this.#restBytes <= 0) return this.#close();\n", "")],
    test: { file: exec, name: "writes as much as it can" },
  },
  {
    name: "a program's pipe is closed at its exit, with what is in it",
    edits: [edit(pipe, "    if (this.#waiting) this.#startGrace();\n", "    this.#close();\n")],
    test: { file: exec, name: "what a program wrote before its exit arrives whole" },
  },
  {
    name: "a program's result is written anew",
    edits: [
      edit(
        "src/worker/exec/program-output.ts",
        "json === undefined ? undefined : new JsonText(json)",
        "json === undefined ? undefined : new JsonText(JSON.stringify(JSON.parse(json)))",
      ),
    ],
    test: { file: exec, name: "a result is passed on digit by digit" },
  },
  {
    name: "the programs of a killed worker go on",
    edits: [
      edit("src/worker/exec/process-group.ts", "    if (pid !== undefined) watchGroup(pid, log);\n", ""),
    ],
    test: { file: "test/e2e/killed-programs.test.ts", name: "do not go on beside the next attempt" },
  },
];
