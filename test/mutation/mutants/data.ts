import { edit, type Mutant, type TestName } from "../mutant.js";

const runtime = (file: string, name: string): TestName => ({ file: `test/runtime/${file}.test.ts`, name });

/** Ways to pass on other data than was given. */
export const dataMutants: readonly Mutant[] = [
  {
    name: "a string ends at any quote behind no backslash",
    edits: [
      edit(
        "src/domain/json/slices.ts",
        "if ((quote - slash) % 2 === 0) return quote + 1;",
        "if (quote === slash) return quote + 1;",
      ),
    ],
    test: { file: "test/domain/json-slices.test.ts", name: "are slices, byte for byte" },
  },
  {
    name: "an item of a map comes through a double",
    edits: [
      edit(
        "actors/task-finalizer/map-open.ts",
        "memberOf(step, map, list.length, item, index)",
        "memberOf(step, map, list.length, JSON.stringify(JSON.parse(item)), index)",
      ),
    ],
    test: runtime("workflows/exact-data", "to the members of a map, and from them to its result"),
  },
  {
    name: "a cursor of a batch comes through a double",
    edits: [
      edit(
        "actors/step-types/batch.ts",
        'given?.get(name) ?? "null"',
        'JSON.stringify(JSON.parse(given?.get(name) ?? "null"))',
      ),
    ],
    test: runtime("workflows/exact-data", "to a batch: its cursors are what the agent said they are"),
  },
  {
    name: "text that looks like a long number is the same work as the number",
    edits: [
      edit("src/api/tasks/identity.ts", "return token.startsWith(", "return false && token.startsWith("),
    ],
    test: runtime("faults/defects-templates", "numbers are told apart by all their digits"),
  },
];
