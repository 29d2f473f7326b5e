import { edit, type Mutant } from "./mutant.js";

const plan = "src/domain/graph/plan.ts";
const graph = "src/domain/graph/graph.ts";

/** Ways to let a request, a result or a name break a rule of its template. */
export const ruleMutants: readonly Mutant[] = [
  {
    name: "a request has tried again what its template says is tried once",
    edits: [
      edit(
        plan,
        "return retryable !== false && asked > 0 ? asked : maxAttempts;",
        "return asked > 0 ? asked : maxAttempts;",
      ),
    ],
    test: { file: "test/runtime/workflows/attempts.test.ts", name: "whoever asks for more" },
  },
  {
    name: "a decision chooses a step behind its branch",
    edits: [
      edit(
        "src/domain/graph/reach.ts",
        '({ dependsOn, spec }) => dependsOn.includes(decision) && spec.type !== "batch_worker"',
        "({ name }) => reachOf({ steps } as Plan, decision).has(name)",
      ),
    ],
    test: { file: "test/domain/graph.test.ts", name: "only branches are choices" },
  },
  {
    name: "a decision chooses a branch without the approval that it depends on",
    edits: [
      edit(
        "src/domain/graph/choice.ts",
        "if (made.has(name) || !reach.has(name)) return false;",
        "return false;",
      ),
    ],
    test: { file: "test/domain/graph.test.ts", name: "is not chosen without it" },
  },
  {
    name: "a convergence follows a decision only while it has no result",
    edits: [
      edit(graph, "for (const { name, spec } of there) {", "for (const { name, spec, state } of there) {"),
      edit(
        graph,
        "this.#noteSource(name, spec.type);\n    }",
        'if (state !== "complete") this.#noteSource(name, spec.type);\n    }',
      ),
    ],
    test: { file: "test/domain/graph-rules.test.ts", name: "in whatever order" },
  },
];
