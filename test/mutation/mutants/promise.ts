import { edit, type Mutant, type TestName } from "../mutant.js";

/** The shortest story in which a promise shows. */
const promise = (name: string): TestName => ({ file: "test/mutation/promises.test.ts", name });

/** On one thread: the store's own threads run what was built, not the sources. */
const sqliteSuite: TestName = {
  file: "test/stores/sqlite/sqlite.test.ts",
  name: "sqlite by libsql, on this thread",
};

const report = "actors/run-tracker/report.ts";
const supervisor = "src/runtime/supervisor.ts";
const holders = "src/runtime/watch/expected-workers.ts";
const link = "src/runtime/watch/worker-connection.ts";

export const promiseMutants: readonly Mutant[] = [
  {
    name: "answers before the commit",
    edits: [
      edit(
        supervisor,
        "      committed = await turn.commit();",
        "      for (const { to } of decided.answers) to.resolve([]);\n      committed = await turn.commit();",
      ),
    ],
    test: promise("nobody is answered before the commit has landed"),
  },
  {
    name: "sends before the commit",
    edits: [
      edit(
        supervisor,
        "      committed = await turn.commit();",
        "      perform({ ...decided, answers: [] }, undefined, this.core, this.watchers);\n      committed = await turn.commit();",
      ),
    ],
    test: promise("no assignment leaves before its commit has landed"),
  },
  {
    name: "keeps in memory what was not committed",
    edits: [edit(supervisor, "      turn.rollBack();\n", "")],
    test: promise("a commit that was refused leaves memory as it was"),
  },
  {
    name: "count of waiting tasks drifts",
    edits: [
      edit(
        "src/runtime/memory/memory.ts",
        "Number(before !== undefined && waits(before))",
        "Number(before !== undefined && waits(before) && after.hasRun)",
      ),
    ],
    test: promise("the count of waiting tasks follows them"),
  },
  {
    name: "idempotency keys are not looked at",
    edits: [
      edit(
        "actors/task-request/submit.ts",
        "    if (keyOwner && !isOutdated(keyOwner, at)) return sameWork(keyOwner, draft);\n",
        "",
      ),
      edit("src/stores/memory/check.ts", "  checkKeys(tables, turn);\n", ""),
    ],
    test: promise("a key makes one task"),
  },
  {
    name: "a key answers for any request",
    edits: [
      edit(
        "actors/task-request/submit.ts",
        "  if (keyOwner.spec.fingerprint === spec.fingerprint) return keyOwner.id;",
        "  if (keyOwner.spec.fingerprint.length === spec.fingerprint.length) return keyOwner.id;",
      ),
    ],
    test: promise("a key makes one task"),
  },
  {
    name: "cancel is answered, not kept",
    edits: [
      edit(
        "actors/task-finalizer/cancel.ts",
        'return [advanceTask(task, { type: "cancel", at, message }), noted, replyTask(taskId)];',
        "return [replyTask(taskId)];",
      ),
    ],
    test: promise("a cancel that was acknowledged holds"),
  },
  {
    name: "a late COMPLETED overrides a terminal status",
    edits: [
      edit(report, '  if (isOver(run.status)) return "ended";\n', ""),
      edit(
        "actors/run/machine.ts",
        "          CANCELLED: over,",
        '          CANCELLED: { entry: over.entry, on: { completed: "COMPLETED" } },',
      ),
    ],
    test: promise("a cancel that was acknowledged holds"),
  },
  {
    name: "a terminal row can be overwritten",
    edits: [
      edit(
        "src/stores/memory/check.ts",
        "if (end !== undefined && end !== endOf?.(row)) violation",
        'if (end === "") violation',
      ),
    ],
    test: { file: "test/stores/memory.test.ts" },
  },
  {
    name: "a row is written over a newer one",
    edits: [
      edit(
        "src/stores/sqlite/rows/table.ts",
        '[...keys.map(({ column }) => column), "revision"].map(',
        "[...keys.map(({ column }) => column)].map(",
      ),
      edit("src/stores/sqlite/rows/table.ts", "      row.revision - 1,\n", ""),
    ],
    test: sqliteSuite,
  },
  {
    name: "no fence check",
    edits: [
      edit(
        report,
        '  if ("fence" in report && report.fence !== undefined && report.fence !== run.fence) return "stale";\n',
        "",
      ),
    ],
    test: promise("a report with an older fence changes nothing"),
  },
  {
    name: "no deduplication of output",
    edits: [edit(report, "if (report.seq !== run.nextSeq) {", "if (report.seq > run.nextSeq) {")],
    test: promise("output is contiguous"),
  },
  {
    name: "gaps in output are taken",
    edits: [edit(report, "if (report.seq !== run.nextSeq) {", "if (report.seq < run.nextSeq) {")],
    test: promise("output is contiguous"),
  },
  {
    name: "COMPLETED does not wait for its output",
    edits: [edit(report, "(report.outputCount ?? 0) > run.nextSeq", "(report.outputCount ?? 0) < 0")],
    test: promise("output is contiguous"),
  },
  {
    name: "an old stream's close drops the new session",
    edits: [
      edit(
        link,
        "    this.#closed = true;\n    const session = this.#session;",
        '    this.#closed = true;\n    const { roster } = this.#parts.core.memory;\n    const session = roster.of(this.#caller.principal, this.#hello?.info.workerId ?? ("" as never))?.id;',
      ),
    ],
    test: promise("when a worker's older stream closes late"),
  },
  {
    name: "no lease after a restart",
    edits: [
      edit(
        holders,
        "      leases.expect(run.heldBy, patienceFor(run, terms), clock.now());\n",
        "      void terms;\n",
      ),
    ],
    test: promise("after a restart held runs have a while to reappear"),
  },
  {
    name: "a restart takes all runs away at once",
    edits: [edit("src/limits/workers.ts", "bootLeases: 1.5,", "bootLeases: 0,")],
    test: promise("after a restart held runs have a while to reappear"),
  },
  {
    name: "slots leak",
    edits: [edit("src/runtime/memory/roster.ts", "        journal.delete(place.held, after.id);\n", "")],
    test: promise("a slot is free again after each run"),
  },
  {
    name: "a cancelled run's slot is given away",
    edits: [
      edit(
        "actors/run/machine.ts",
        '              completed: "released",',
        '              end: "released",\n              completed: "released",',
      ),
    ],
    test: promise("a cancelled run takes its slot"),
  },
  {
    name: "watchers skip what they missed",
    edits: [
      edit(
        "src/runtime/watch/watchers.ts",
        "          cursor += slice.entries.length;",
        "          cursor = Math.max(cursor + slice.entries.length, watched.lastSeq);",
      ),
    ],
    test: promise("a watcher that falls behind"),
  },
  {
    name: "retention removes live tasks",
    edits: [
      edit(
        "src/stores/memory/store.ts",
        "isTerminal(task.state) && task.finishedAt !== NEVER && isDue(task, terms)",
        "task.createdAt < terms.before",
      ),
    ],
    test: promise("retention removes what ended long ago"),
  },
  {
    name: "retention removes live tasks from the file",
    edits: [
      edit(
        "src/stores/sqlite/rows/statements.ts",
        "WHERE finished_at > 0 AND finished_at < ? AND (finished_at, id) > (?, ?) AND state IN (",
        "WHERE finished_at < ? AND (finished_at + 1, id) > (?, ?) AND 1 IN (1, ",
      ),
    ],
    test: sqliteSuite,
  },
  {
    name: "credit is not looked at",
    edits: [edit(link, "this.#undecided + bytes > allowed", "false")],
    test: promise("a worker that sends far beyond its credit"),
  },
  {
    name: "the worker does not wait for credit",
    edits: [
      edit(
        "src/worker/run/outbox.ts",
        "return used + more <= credit || (used === 0 && credit > 0);",
        "return true;",
      ),
    ],
    test: { file: "test/worker/outbox.test.ts" },
  },
  {
    name: "a client's watch passes over gaps",
    edits: [edit("src/client/watch.ts", "        if (seq !== last + 1) throw gap(last, seq);\n", "")],
    test: { file: "test/client/watch.test.ts" },
  },
  {
    name: "a leaving worker hands nothing back",
    edits: [
      edit(
        "src/worker/run/held.ts",
        "      this.#decline(runId, reason);\n    }\n    this.giveUp",
        "    }\n    this.giveUp",
      ),
    ],
    test: { file: "test/worker/drain.test.ts" },
  },
  {
    name: "mailboxes have no bound",
    edits: [edit("src/bus/mailbox.ts", "    if (this.isFull) return false;\n", "")],
    test: promise("a full mailbox refuses"),
  },
  {
    name: "the store is asked although nothing is due",
    edits: [
      edit(
        "src/runtime/timers/timers.ts",
        "const isDue = this.#nextDueAt !== undefined && this.#nextDueAt <= at;",
        "const isDue = this.#nextDueAt !== undefined;",
      ),
    ],
    test: promise("a plane with workers that beat and work that waits"),
  },
  {
    name: "response headers wait for the first message",
    edits: [edit("src/gateway/grpc/grpc.ts", "    stream.sendMetadata(new Metadata());\n", "")],
    test: promise("a worker stream has its response headers"),
  },
  {
    name: "namespaces are served in order of age alone",
    edits: [
      edit(
        "actors/scheduler/placement.ts",
        "const byService = (count[a.namespace] ?? 0) - (count[b.namespace] ?? 0);",
        "const byService = 0;",
      ),
    ],
    test: { file: "test/actors/placement.test.ts" },
  },
  {
    name: "the worker outlives its lease",
    edits: [edit("src/worker/protocol/lease.ts", "const FENCE_SHARE = 5 / 6;", "const FENCE_SHARE = 3 / 2;")],
    test: { file: "test/worker/lease.test.ts" },
  },
  {
    name: "a cancelled program's children stay",
    edits: [
      edit(
        "src/worker/exec/process-group.ts",
        "process.kill(-this.#leader.pid, signal);",
        "process.kill(this.#leader.pid, signal);",
      ),
    ],
    test: {
      file: "test/worker/exec.test.ts",
      name: "a cancelled program gets SIGTERM with all that it started",
    },
  },
  {
    name: "answers before the commit, and is killed",
    edits: [
      edit(
        supervisor,
        "      committed = await turn.commit();",
        "      perform(decided, undefined, this.core, this.watchers);\n      committed = await turn.commit();",
      ),
    ],
    test: { file: "test/e2e/kill.test.ts", name: "nothing acknowledged is lost" },
  },
  {
    name: "who held a run once may always report",
    edits: [
      edit(report, '  if (isOver(run.status)) return "ended";\n', ""),
      edit(report, '  if (run.session !== session || run.heldBy !== session) return "foreign";\n', ""),
      edit(
        "actors/run/machine.ts",
        "          FAILED: over,",
        '          FAILED: { entry: over.entry, on: { completed: "COMPLETED", wrote: { actions: "noteOutput" } } },',
      ),
    ],
    test: { file: "test/e2e/lost-workers.test.ts", name: "who comes back after its lease is told to stop" },
  },
  {
    name: "a terminal status changes, over the wire",
    edits: [
      edit(report, '  if (isOver(run.status)) return "ended";\n', ""),
      edit(report, '  if (run.session !== session || run.heldBy !== session) return "foreign";\n', ""),
      edit(
        "actors/run/machine.ts",
        "          COMPLETED: over,",
        '          COMPLETED: { entry: over.entry, on: { failed: "FAILED", cancelled: "CANCELLED" } },',
      ),
      edit(
        "src/stores/sqlite/migrations/0003-rest.ts",
        "RAISE(ABORT, 'the status of a Run that has ended never changes')",
        "1",
      ),
    ],
    test: { file: "test/e2e/run-status.test.ts", name: "of 36 reports by" },
  },
  {
    name: "two servers may have one file",
    edits: [
      edit(
        "src/stores/sqlite/file/lock.ts",
        "    if (!isBusy(error)) throw error;\n",
        "    if (isBusy(error)) return () => {};\n",
      ),
      edit("src/stores/sqlite/file/lock.ts", 'if (refusal?.code === "EADDRINUSE") throw locked(path);', ""),
    ],
    test: { file: "test/stores/sqlite/file.test.ts", name: "a second store on the same file is refused" },
  },
];
