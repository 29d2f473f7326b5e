import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openDriver, preferredDriver } from "#stores/sqlite/driver";
import { load } from "#stores/sqlite/read/load";
import { Reader } from "#stores/sqlite/read/reader";
import { DamagedRow } from "#stores/sqlite/rows/checksum";
import { deadlineOf, stepTable } from "#stores/sqlite/rows/rows";
import { loads, prepareAll } from "#stores/sqlite/rows/statements";
import { encodeNeeds } from "#stores/sqlite/thread/messages";
import { lane, runId, taskId } from "#testing/rows";
import { fill } from "./damage-kit.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-rows-"));
afterAll(() => rmSync(root, { recursive: true }));

/*
 * As if the disk went bad under a server that runs: the checksums of pages, which are looked at when the file is
 * opened, have no part in it.
 */
const id = taskId(9);

/** Each read that has a part in a Task, by what it reads. */
function readsOf(path: string): Record<string, () => unknown> {
  const options = { path, driver: preferredDriver(), maxBytes: 0, reserveBytes: 0 };
  const reader = new Reader(options);
  const sql = prepareAll(openDriver(path), loads);
  const list = {
    namespaces: null,
    states: null,
    agentName: null,
    labels: [],
    specTexts: [],
    statusStates: null,
    from: null,
    below: null,
  };
  const step = { taskId: id, stepName: "a" };
  return {
    "the Task, for clients": () => reader.task({ id, namespaces: null }),
    "a list": () => reader.tasks({ ...list, pageSize: 100, scannedRows: 100 }),
    "the Run, for clients": () => reader.run(runId(9)),
    "the result, for clients": () => reader.output(step),
    "the journal": () => reader.journal({ ...step, from: 0, most: { records: 9, bytes: 1e6 } }),
    "the log": () => reader.log({ taskId: id, afterSeq: 0, maxBytes: 1e6 }),
    "the end of the log": () => reader.logBounds(id),
    "the Task, for turns": () => load(sql, encodeNeeds({ wholeTasks: [id] })),
    "the graph": () => load(sql, encodeNeeds({ graphs: [id] })),
    "the Run, for turns": () => load(sql, encodeNeeds({ runs: [runId(9)] })),
    "texts, for turns": () =>
      load(sql, encodeNeeds({ inputs: [id], outputs: [step], stepInputs: [{ ...step, stepName: "b" }] })),
    "ready Steps": () => sql.ready.all([lane.key, 1_000]).map(stepTable.changingTextOf),
    "due deadlines": () => sql.due.all([1e9, 1_000]).map(deadlineOf),
  };
}

const harms: readonly (readonly [sql: string, reads: readonly string[]])[] = [
  [
    "UPDATE tasks SET spec = replace(spec, 'echo', 'ecgo') WHERE id = 'task-0009'",
    ["the Task, for clients", "a list", "the Task, for turns", "the graph"],
  ],
  [
    "UPDATE tasks SET revision = revision - 1 WHERE id = 'task-0009'",
    ["the Task, for clients", "a list", "the Task, for turns"],
  ],
  [
    "UPDATE steps SET rest = replace(rest, 'echo', 'ecgo') WHERE task_id = 'task-0009'",
    ["the Task, for clients", "the graph", "ready Steps"],
  ],
  [
    "UPDATE runs SET rest = replace(rest, 'local', 'locam') WHERE id = 'run-0009'",
    ["the Run, for clients", "the Run, for turns"],
  ],
  [
    "UPDATE outputs SET json = '1' WHERE task_id = 'task-0009'",
    ["the result, for clients", "texts, for turns"],
  ],
  ["UPDATE inputs SET json = '1' WHERE task_id = 'task-0009'", ["the Task, for clients", "texts, for turns"]],
  ["UPDATE journal SET json = '[1]' WHERE task_id = 'task-0009'", ["the journal"]],
  ["UPDATE step_inputs SET json = '[8]' WHERE task_id = 'task-0009'", ["texts, for turns"]],
  ["UPDATE log SET entries = replace(entries, 'two', 'twp') WHERE task_id = 'task-0009'", ["the log"]],
  [
    "UPDATE log SET count = 2 WHERE task_id = 'task-0009' AND first_seq = 3",
    ["the log", "the end of the log"],
  ],
  ["DELETE FROM log WHERE task_id = 'task-0009' AND first_seq = 1", ["the log"]],
  ["UPDATE deadlines SET at = at + 1 WHERE task_id = 'task-0009'", ["due deadlines"]],
  // A whole row in the place of another one, its checksum with it.
  [
    "UPDATE outputs SET json = o.json, sum = o.sum FROM outputs AS o WHERE outputs.task_id = 'task-0009' AND o.task_id = 'task-0006'",
    ["the result, for clients"],
  ],
  // Bytes that are no text at all.
  [
    "UPDATE outputs SET json = CAST(x'22ff22' AS TEXT) WHERE task_id = 'task-0009'",
    ["the result, for clients", "texts, for turns"],
  ],
];

test("a row that is not what was written is refused by every read of it", { timeout: 120_000 }, async () => {
  const sound = join(root, "sound");
  await (await fill(sound)).close();
  const original = readFileSync(join(sound, "taskrun.db"));
  for (const [i, [sql, names]] of harms.entries()) {
    const path = join(root, `${i}.db`);
    writeFileSync(path, original);
    for (const read of Object.values(readsOf(path))) expect(read).not.toThrow();
    const db = openDriver(path);
    db.exec(`DROP TRIGGER tasks_terminal; DROP TRIGGER runs_terminal; ${sql}`);
    db.close();
    const reads = readsOf(path);
    for (const name of names) expect(reads[name], `${name} after ${sql}`).toThrow(DamagedRow);
  }
});
