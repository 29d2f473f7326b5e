import { edit, type Mutant, type TestName } from "../mutant.js";

const restored = (name: string): TestName => ({ file: "test/runtime/workers/restored.test.ts", name });
const backups = (name: string): TestName => ({ file: "test/stores/sqlite/backup.test.ts", name });

const trips = (name: string): TestName => ({ file: "test/host/archive/round-trip.test.ts", name });

const rules = (name: string): TestName => ({ file: "test/runtime/retention-rules.test.ts", name });

const whole = (name: string): TestName => ({ file: "test/host/archive/kinds.test.ts", name });
const gauges = (name: string): TestName => ({ file: "test/runtime/storage-gauges.test.ts", name });
const GAUGES = "src/runtime/storage-gauges.ts";
const EXPORT = "src/host/archive/export.ts";
const IMPORT = "src/host/archive/import.ts";
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
    name: "an import writes over what differs",
    edits: [
      edit(IMPORT, "else if (stored !== json) this.#refuse", "else if (stored === undefined) this.#refuse"),
    ],
    test: trips("imported twice it is there once"),
  },
  {
    name: "an import takes a log line of a Task twice that is there already",
    edits: [edit(IMPORT, "const more = entries.slice(known);", "const more = entries.slice(0);")],
    test: trips("an import that was interrupted anywhere"),
  },
  {
    name: "an import does not see that lines of a Task are missing",
    edits: [
      edit(IMPORT, "taskId === this.#id && lines === this.#lines && hasLog", "taskId === this.#id && hasLog"),
    ],
    test: trips("every damaged, cut or missing line"),
  },
  {
    name: "an import takes a key away from another Task",
    edits: [edit(IMPORT, "return tasks.length > 0;", "return tasks.length > 1;")],
    test: trips("a key that another Task has by now"),
  },
  {
    name: "a line of an export is read whatever its checksum says",
    edits: [
      edit("src/host/archive/lines.ts", "sum === undefined || sumOf(content) !== sum", "sum === undefined"),
    ],
    test: trips("every damaged, cut or missing line"),
  },
  {
    name: "an export leaves the inputs of Steps out",
    edits: [
      edit(
        EXPORT,
        "if (json === undefined) continue;",
        'if (json === undefined || kind === "stepInputs") continue;',
      ),
    ],
    test: trips("in any other store as it was"),
  },
  {
    name: "an export leaves out what was done to a Task as a whole",
    edits: [edit(EXPORT, 'yield* textsOf(reads, { taskId: task.id, stepName: "" });', "")],
    test: whole("of every kind that belongs to a Task"),
  },
  {
    name: "an export leaves dead letters out",
    edits: [edit(EXPORT, "if (row) yield { type, row };", "void row;")],
    test: whole("of every kind that belongs to a Task"),
  },
  {
    name: "an import takes a dead letter of another namespace",
    edits: [edit(IMPORT, "|| row.namespace === namespace", '|| row.namespace !== ""')],
    test: whole("a row of another Task, or of another namespace"),
  },
  {
    name: "an import passes over lines that it does not know",
    edits: [edit("src/host/archive/lines.ts", "return isKnown(line) ? line : undefined;", "return line;")],
    test: whole("a line of a type that is not known"),
  },
  {
    name: "retention removes before it has exported",
    edits: [
      edit(
        "src/stores/memory/store.ts",
        "if (ids.length > 0) await archive?.(ids);",
        "if (ids.length > 0) void archive?.(ids).catch(() => {});",
      ),
    ],
    test: rules("what cannot be exported is not removed"),
  },
  {
    name: "a rule of retention for a status counts for all of its namespace",
    edits: [
      edit(
        "src/domain/task/retention.ts",
        "ofNamespace.find((each) => each.status === status)",
        "ofNamespace.find((each) => each.status !== undefined)",
      ),
    ],
    test: rules("a rule for namespace and status goes before"),
  },
  {
    name: "a sweep stops where rules keep much",
    edits: [
      edit(
        "src/stores/sqlite/finished.ts",
        "this.#removable(page.filter((task) => isDue(task, terms)))",
        "this.#removable(page.some((task) => !isDue(task, terms)) ? [] : page)",
      ),
    ],
    test: { file: "test/stores/sqlite/sqlite.test.ts", name: "rules say how old a Task may get" },
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
  {
    name: "what the store holds is counted at every scrape",
    edits: [edit(GAUGES, "if (!isDue || this.#isCounting", "if (this.#isCounting")],
    test: gauges("however often the metrics are read"),
  },
  {
    name: "every namespace has a series",
    edits: [
      edit(
        GAUGES,
        "const shown = bySize.slice(0, limits.storageNamespaces);",
        "const shown = bySize.slice(0);",
      ),
    ],
    test: gauges("the largest namespaces have series of their own"),
  },
  {
    name: "every round counts from the start",
    edits: [
      edit(
        GAUGES,
        "    try {\n      for (let piece",
        "    this.#pass = new Pass();\n    try {\n      for (let piece",
      ),
    ],
    test: gauges("a round counts a bounded number of tasks"),
  },
  {
    name: "a round ends when all is counted, however long that takes",
    edits: [edit(GAUGES, "piece < limits.storagePieces && !this.#stopped", "!this.#stopped")],
    test: gauges("a round counts a bounded number of tasks"),
  },
  {
    name: "a page of what is counted begins with the last Task of the one before",
    edits: [
      edit(
        "src/stores/sqlite/rows/statements.ts",
        "WHERE t.id > ? ORDER BY t.id",
        "WHERE t.id >= ? ORDER BY t.id",
      ),
    ],
    test: { file: "test/stores/sqlite/sqlite.test.ts", name: "a store that counts tells" },
  },
  {
    name: "restore: each start says again that the store was restored",
    edits: [
      edit(
        "src/host/audit/restored.ts",
        'action === "store.restored" && object === objectOf(id)',
        'action === "store.restored" && object === ""',
      ),
    ],
    test: { file: "test/host/audit/restored.test.ts", name: "no later one says so again" },
  },
  {
    name: "restore: a start on a restored store says nothing of it",
    edits: [
      edit(
        "src/embedded/index.ts",
        "await recordRestoration(audit?.log, checked.store.audit, control.restored);",
        "await recordRestoration(audit?.log, checked.store.audit, undefined);",
      ),
    ],
    test: { file: "test/host/audit/restored.test.ts", name: "no later one says so again" },
  },
];
