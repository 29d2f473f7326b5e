import { edit, type Mutant, type TestName } from "../mutant.js";

const restored = (name: string): TestName => ({ file: "test/runtime/workers/restored.test.ts", name });
const backups = (name: string): TestName => ({ file: "test/stores/sqlite/backup.test.ts", name });

const HELLO = "actors/run-tracker/hello.ts";
const FORMAT = "src/stores/sqlite/backup/format.ts";
const RESTORE = "src/stores/sqlite/backup/restore.ts";

/** Ways in which what is kept, moved or put back could be other than it was, or be believed where it must not. */
export const keepMutants: readonly Mutant[] = [
  {
    name: "a restored server takes Runs back that were assigned before",
    edits: [
      edit(
        "src/domain/incarnation.ts",
        "restored !== undefined && createdAt < restored.since",
        "restored !== undefined && createdAt < 0",
      ),
    ],
    test: restored("a Run that was held at the backup is not taken up again"),
  },
  {
    name: "a Run of the backup that its worker does not show counts as never begun",
    edits: [
      edit(
        HELLO,
        "isFormer(run) ? abandonRun(run, at, RESTORED) : giveUp",
        "isFormer(undefined) ? abandonRun(run, at, RESTORED) : giveUp",
      ),
    ],
    test: restored("an assignment of the backup that its worker no longer shows"),
  },
  {
    name: "a worker's incarnation counts for nothing",
    edits: [edit(HELLO, 'isSameLife(hello.incarnation ?? "", incarnation)', 'isSameLife("", incarnation)')],
    test: restored("a fence of the time that was rolled back is given again"),
  },
  {
    name: "the incarnation of a restored store is named as if it were none",
    edits: [edit("src/domain/incarnation.ts", "return restored ?", 'return restored && start === "" ?')],
    test: restored("within its own life a restored store takes Runs back as ever"),
  },
  {
    name: "a backup is restored whatever its hash says",
    edits: [edit(FORMAT, 'if (hash.digest("hex") !== sha256) {', 'if (hash.digest("hex") === "") {')],
    test: backups("every flipped byte of a backup is found"),
  },
  {
    name: "a server takes a backup for a store",
    edits: [edit(FORMAT, "if (!factsOf(path)) return;", "if (path !== factsOf(path)?.store) return;")],
    test: backups("no server takes a backup for a store"),
  },
  {
    name: "a restored store goes on in its former time",
    edits: [edit(RESTORE, "const since = before.at + 1;", "const since = before.at;")],
    test: backups("a backup of a store in use has all that was committed before"),
  },
  {
    name: "a backup replaces what has its name",
    edits: [
      edit(
        "src/stores/sqlite/backup/backup.ts",
        "    linkSync(draft, file);",
        "    renameSync(draft, file);\n    linkSync(file, draft);",
      ),
      edit("src/stores/sqlite/backup/backup.ts", "linkSync, openSync,", "linkSync, openSync, renameSync,"),
    ],
    test: backups("a directory as the target gets a name that sorts by time"),
  },
];
