import { edit, type Mutant } from "../mutant.js";

const versions = "src/cli/dev/versions.ts";
const development = { file: "test/cli/dev-versions.test.ts" };

/** Of `taskrun dev`: templates under development, the process of the agents, and what is kept of exceptions. */
export const devMutants: readonly Mutant[] = [
  {
    name: "a stack of any length is kept",
    edits: [
      edit(
        "src/gateway/report.ts",
        "const errorDetail = clip(update.errorDetail, limits.errorDetailBytes);",
        "const { errorDetail } = update;",
      ),
    ],
    test: { file: "test/gateway/worker-limits.test.ts", name: "a stack is cut at 16 KiB" },
  },
  {
    name: "nothing stands for a version under development",
    edits: [edit(versions, "return this.#standIns.get(templateKey(ref));", "return undefined;")],
    test: { ...development, name: "a version under development is the newest" },
  },
  {
    name: "the same template gets a new number each time it is loaded",
    edits: [
      edit(
        versions,
        "const same = newest && as(newest.n).digest === newest.row.digest ? newest.row : undefined;",
        "const same = undefined as TemplateRow | undefined;",
      ),
    ],
    test: { ...development, name: "a version under development is the newest" },
  },
  {
    name: "the process of the agents outlives dev",
    edits: [edit("src/cli/dev/agents-child.ts", 'process.on("disconnect", () => process.exit(1));\n', "")],
    test: { file: "test/e2e/dev.test.ts", name: "nothing is left of it when it is killed" },
  },
];
