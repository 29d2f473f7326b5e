import { edit, type Mutant, type TestName } from "../mutant.js";

const damage = (name: string): TestName => ({ file: "test/stores/sqlite/damage.test.ts", name });
const watch = (name: string): TestName => ({ file: "test/stores/sqlite/watch.test.ts", name });
const old = (name: string): TestName => ({ file: "test/stores/sqlite/old-pages.test.ts", name });
const rows = (name: string): TestName => ({ file: "test/stores/sqlite/rows-damage.test.ts", name });
const obstacle = (name: string): TestName => ({ file: "test/stores/sqlite/obstacle.test.ts", name });
const repairs = (name: string): TestName => ({ file: "test/stores/sqlite/repair.test.ts", name });
const foreign = (name: string): TestName => ({ file: "test/stores/sqlite/foreign.test.ts", name });

/** Stores that serve what is damaged, or do not notice what they have lost. */
export const damageMutants: readonly Mutant[] = [
  {
    name: "rows are served whatever their checksums say",
    edits: [
      edit(
        "src/stores/sqlite/rows/table.ts",
        "if (checksum(bytes instanceof Uint8Array ? bytes : text, from) === sum) return text;",
        "if (from !== 0 || sum !== 0) return text;",
      ),
    ],
    test: rows("a row that is not what was written is refused by every read of it"),
  },
  {
    name: "texts and lines are served whatever their checksums say",
    edits: [
      edit(
        "src/stores/sqlite/rows/checksum.ts",
        "if (sumOf(selected) === selected[names.length]) return values;",
        "return values;",
      ),
    ],
    test: rows("a row that is not what was written is refused by every read of it"),
  },
  {
    name: "pages are not looked at before the file is opened",
    edits: [
      edit(
        "src/stores/sqlite/damage/inspect.ts",
        "const { different, unknown } = sums.compare(limits.damageNamed, upTo);",
        "const [different, unknown]: [number[], number] = [[], upTo === 0 ? 1 : 0];",
      ),
    ],
    test: old("a page that was put back as it once was"),
  },
  {
    name: "a page of another time is served if all in it fits together",
    edits: [
      edit("src/stores/sqlite/damage/inspect.ts", "if (different.length > 0) throw", "if (upTo === 0) throw"),
    ],
    test: old("a page that was put back as it once was"),
  },
  {
    name: "a file that has lost commits is opened",
    edits: [
      edit("src/stores/sqlite/damage/inspect.ts", "if (commits < mark.commits) {", "if (commits < 0) {"),
    ],
    test: damage("a write-ahead log that is gone, zeroed or halved is missed"),
  },
  {
    name: "the head beside the file is not written with a commit",
    edits: [edit("src/stores/sqlite/transactions.ts", "    file.mark.write(head);\n", "")],
    test: damage("a write-ahead log that is gone, zeroed or halved is missed"),
  },
  {
    name: "nobody looks whether the files are still there",
    edits: [
      edit("src/stores/sqlite/file/watch.ts", "if (what !== undefined) throw", "if (what === null) throw"),
    ],
    test: watch("a store whose directory is deleted, moved away or replaced"),
  },
  {
    name: "only the lock file keeps a second server out",
    edits: [
      edit("src/stores/sqlite/file/lock.ts", 'if (refusal?.code === "EADDRINUSE") throw locked(path);', ""),
    ],
    test: watch("a lock file that was deleted lets no second one in"),
  },
  {
    name: "what another program has left in the log is served",
    edits: [
      edit(
        "src/stores/sqlite/file/log-commits.ts",
        "if (this.#written !== undefined && isNext) this.#isFollowed",
        "if (isNext || this.#frame > 0) this.#isFollowed",
      ),
    ],
    test: foreign("a commit of another program that lies in the log"),
  },
  {
    name: "a change of the log may leave the number of commits as it was",
    edits: [
      edit(
        "src/stores/sqlite/file/log-commits.ts",
        "this.#last === undefined || this.#written === this.#last + 1;",
        "this.#last === undefined || this.#written !== 0;",
      ),
    ],
    test: foreign("a commit of another program that lies in the log"),
  },
  {
    name: "nobody looks whether another program commits under a running server",
    edits: [edit("src/stores/sqlite/file/watch.ts", "        look();\n", "        void look;\n")],
    test: foreign("what another program commits under a running server"),
  },
  {
    name: "what lies behind the end of the log is taken for commits",
    edits: [
      edit(
        "src/stores/sqlite/file/open.ts",
        "    if (found.brokenAt !== undefined) cutLog(path, found.brokenAt);\n",
        "    void cutLog;\n",
      ),
    ],
    test: foreign("what a power cut has left behind a lost commit"),
  },
  {
    name: "a file without the checksums of its pages is served",
    edits: [
      edit(
        "src/stores/sqlite/damage/inspect.ts",
        "    if (different.length + unknown === 0) return",
        "    if (different.length === 0) return",
      ),
    ],
    test: old("a file whose checksums are missing or cut is refused"),
  },
  {
    name: "a journal of another program is used before it is looked at",
    edits: [
      edit(
        "src/stores/sqlite/damage/inspect.ts",
        "if (journal !== undefined) throw",
        "if (upTo === 0) throw",
      ),
    ],
    test: foreign("a journal that another program has left"),
  },
  {
    name: "files lie beside the link instead of the database",
    edits: [edit("src/stores/sqlite/index.ts", "path: realFile(path)", "path")],
    test: obstacle("a file whose name is a link"),
  },
  {
    name: "a start that fails keeps the file",
    edits: [
      edit("src/stores/sqlite/driver.ts", "    resource.close();\n    throw error;", "    throw error;"),
    ],
    test: obstacle("a start that fails when the file is open"),
  },
  {
    name: "what is missing of Tasks is not missed where every row is sound",
    edits: [
      edit(
        "src/stores/sqlite/damage/repair.ts",
        "finding === undefined && incomplete(db, []).size === 0",
        "finding === undefined",
      ),
    ],
    test: repairs("rows that another program has deleted"),
  },
];
