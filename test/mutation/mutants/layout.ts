import { edit, type Mutant } from "../mutant.js";

const layouts = (name: string) => ({ file: "test/stores/sqlite/layouts.test.ts", name });

/** Stores that take one packed value for another, or forget how rows of theirs are laid out. */
export const layoutMutants: readonly Mutant[] = [
  {
    name: "packed values are read in the order of the code, whatever their layout",
    edits: [
      edit(
        "src/stores/sqlite/rows/packed-column.ts",
        "const isOwn = values[0] === -layout.id;",
        "const isOwn = values.length > 0;",
      ),
    ],
    test: layouts("rows are read by name"),
  },
  {
    name: "a file is not told how its rows are laid out",
    edits: [
      edit("src/stores/sqlite/rows/changes.ts", "    if (!this.#knowsLayouts) this.#writeLayouts();\n", ""),
    ],
    test: layouts("each layout has a number of its own"),
  },
  {
    name: "a refused commit is taken for one that has written the layouts",
    edits: [
      edit(
        "src/stores/sqlite/rows/changes.ts",
        "    this.#knowsLayouts = false;\n    this.#logEnds",
        "    this.#logEnds",
      ),
    ],
    test: layouts("each layout has a number of its own"),
  },
  {
    name: "a migration of a file with checksums moves no number of commits",
    edits: [edit("src/stores/sqlite/file/file.ts", "    else moveHead(db);\n", "")],
    test: layouts("a kill right behind the migration"),
  },
];
