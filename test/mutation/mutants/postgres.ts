import { edit, type Mutant, type TestName } from "../mutant.js";

const failures = (name: string): TestName => ({ file: "test/stores/postgres/failures.test.ts", name });
const away = (name: string): TestName => ({ file: "test/runtime/away-store.test.ts", name });

const functions = "src/stores/postgres/migrations/0002-functions.ts";

/** Of the store on PostgreSQL, and of what a store that can be away, or is shared, asks of the plane. */
export const postgresMutants: readonly Mutant[] = [
  {
    name: "a commit whose answer was lost is written again",
    edits: [edit(functions, "  IF FOUND THEN RETURN answer; END IF;\n", "")],
    test: failures("a commit whose answer was lost"),
  },
  {
    name: "a server that was cut off writes on",
    edits: [
      edit("src/stores/postgres/connect/session.ts", "Number(row?.[0]) !== this.#incarnation", "false"),
    ],
    test: failures("a server that was cut off"),
  },
  {
    name: "commits that the database has lost are not missed",
    edits: [edit("src/stores/postgres/connect/session.ts", "if (found.length > 0) return;", "return;")],
    test: failures("a database that has lost acknowledged commits"),
  },
  {
    name: "a server that takes no writes is used",
    edits: [edit("src/stores/postgres/connect/open.ts", "if (isReadOnly === true)", "if (isReadOnly === 1)")],
    test: failures("a server that takes no writes"),
  },
  {
    name: "a commit does not say what it rests on",
    edits: [
      edit(
        "src/runtime/memory/rows-seen.ts",
        "!changes.writes(ref.kind, ref.id)) read.set",
        "ref.id === ref.kind) read.set",
      ),
    ],
    test: away("a commit to a shared store"),
  },
  {
    name: "a store that is away ends the plane",
    edits: [edit("src/runtime/turn/refused-turns.ts", '  "unavailable",\n', "")],
    test: away("a commit that finds the store away"),
  },
];
