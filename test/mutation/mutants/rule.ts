import { edit, type Mutant } from "../mutant.js";

const tries = "src/domain/graph/tries.ts";
const graph = "src/domain/graph/graph.ts";

/** Ways to let a request, a result or a name break a rule of its template. */
export const ruleMutants: readonly Mutant[] = [
  {
    name: "a request has tried again what its template says is tried once",
    edits: [
      edit(
        tries,
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
  {
    name: "a label called __proto__ is lost",
    edits: [
      edit(
        "src/api/validate.ts",
        "Object.fromEntries(Object.entries(given))",
        "Object.entries(given).reduce<Record<string, string>>((all, [name, text]) => {\n  all[name] = text;\n  return all;\n}, {})",
      ),
    ],
    test: { file: "test/gateway/validation.test.ts", name: "is kept, and finds its Task" },
  },
  {
    name: "a schema says nothing of a property called __proto__",
    edits: [
      edit(
        "src/host/schemas/compile.ts",
        "this.#saysProto = saysProto(schema);",
        "this.#saysProto = saysProto({});",
      ),
    ],
    test: { file: "test/host/schemas.test.ts", name: "is one like any other" },
  },
  {
    name: "a Task of another namespace's template lies in the caller's own",
    edits: [
      edit(
        "src/api/tasks/new-task.ts",
        "named || template?.namespace || ownNamespace(caller)",
        "named || ownNamespace(caller)",
      ),
    ],
    test: { file: "test/gateway/template-tasks.test.ts", name: "belongs to the namespace of its template" },
  },
  {
    name: "a slip of a key is kept as if it were another system's",
    edits: [edit("src/templates/rules/near.ts", "const SLIP = 2;", "const SLIP = 0;")],
    test: { file: "test/templates/foreign.test.ts", name: "a slip of a key" },
  },
  {
    name: "a batch has its first worker, whichever its result names",
    edits: [
      edit(
        "actors/step-types/batch.ts",
        "all.find(({ workerTemplate }) => workerTemplate === named)",
        "all.find(() => true)",
      ),
    ],
    test: { file: "test/runtime/workflows/foreign-templates.test.ts", name: "one of several workers" },
  },
  {
    name: "the settings on a batch's worker are for nobody",
    edits: [
      edit("src/domain/graph/plan.ts", "...byName.get(workerTemplate)?.batch_config, ...own", "...own"),
    ],
    test: { file: "test/runtime/workflows/foreign-templates.test.ts", name: "take effect" },
  },
];
