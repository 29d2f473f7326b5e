import { edit, type Mutant, type TestName } from "../mutant.js";

const mapped = (name: string): TestName => ({
  file: "test/runtime/workflows/mapped-inputs.test.ts",
  name,
});

/** Ways to give an agent another input than its step maps, and to take schemas and agents for what they are not. */
export const mappingMutants: readonly Mutant[] = [
  {
    name: "a constant of a mapped input loses digits",
    edits: [
      edit(
        "src/domain/graph/input-mapping.ts",
        "else if (!isJsonObject(value)) this.#write(exactJsonText(value));",
        "else if (!isJsonObject(value)) this.#write(JSON.stringify(value));",
      ),
    ],
    test: mapped("byte for byte, and constants with their digits"),
  },
  {
    name: "what a mapped input reads comes through a double",
    edits: [
      edit(
        "src/domain/graph/mapped-input.ts",
        'filled.push(value, pieces[index + 1] ?? "");',
        'filled.push(JSON.stringify(JSON.parse(value)), pieces[index + 1] ?? "");',
      ),
    ],
    test: mapped("byte for byte, and constants with their digits"),
  },
  {
    name: "a mapped path that leads to nothing is null",
    edits: [
      edit(
        "src/domain/graph/mapped-input.ts",
        "const value = reader?.at(part.parts);",
        'const value = reader?.at(part.parts) ?? "null";',
      ),
    ],
    test: mapped("fails it for good, naming the place"),
  },
  {
    name: "members of a segment read results of their own task",
    edits: [
      edit(
        "actors/task/segments.ts",
        "...(input && { input: { ...input, resultsOf: above } }),",
        "...(input && { input }),",
      ),
    ],
    test: mapped("members of a long map read the results of the Task above"),
  },
  {
    name: "a mapped input is sent by reference to the Task's",
    edits: [
      edit(
        "src/runtime/turn/assignment.ts",
        "if (step.spec.input) return mappedInput(",
        "if (step.spec.input && !isByReference(task, protocol)) return mappedInput(",
      ),
    ],
    test: mapped("of the Task are read by reference, and what is mapped from them is sent"),
  },
  {
    name: "a mapping may read a step that does not come before",
    edits: [
      edit(
        "src/templates/rules/inputs.ts",
        "if (!dependencies.includes(stepName)) {",
        "if (!byName.has(stepName)) {",
      ),
    ],
    test: { file: "test/templates/findings.test.ts", name: "BAD_INPUT" },
  },
  {
    name: "what a schema rules out passes registration",
    edits: [
      edit(
        "src/templates/rules/schema-path.ts",
        'if (others === false) return { verdict: "cannot", name: part, names };',
        "",
      ),
    ],
    test: { file: "test/templates/findings.test.ts", name: "BAD_INPUT" },
  },
  {
    name: "a schema of zod 3 is taken",
    edits: [edit("src/standard-schema/check.ts", "if (isZod3(value)) {", "if (false) {")],
    test: { file: "test/worker/definition.test.ts", name: "what is wrong with a definition" },
  },
  {
    name: "a result that does not fit the agent's output is sent",
    edits: [
      edit(
        "src/worker/agent/agent.ts",
        "return output && !(result instanceof Yielded) ? checkResult(output, result) : result;",
        "return result;",
      ),
    ],
    test: { file: "test/worker/definition.test.ts", name: "a result is what the output makes of it" },
  },
];
