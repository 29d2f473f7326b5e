import { laneOfKey } from "#domain/task/lane";
import { bytesOf, type Driver, textIn } from "../driver.js";
import { nameOf } from "../rows/checksum.js";
import { Layouts } from "../rows/layouts.js";
import { deadLetterTable, lanes, laneValues, taskTable } from "../rows/rows.js";
import { ofTasks } from "./incomplete.js";
import { scan } from "./scan.js";

/*
 * What is put right in a new file once every intact row has been copied into it, in the layouts of this release: so that its rows
 * agree with each other again. What is lost is yielded, as sentences.
 */

/** Removes these Tasks with all that belongs to them. @param reasons why, by the id */
export function* removeTasks(db: Driver, reasons: ReadonlyMap<string, string>): Generator<string> {
  const layouts = new Layouts();
  const known = db.prepare(`SELECT ${taskTable.sealed("t.")} FROM tasks AS t WHERE t.id = ?`);
  const removals = [...ofTasks.map((table) => `${table} WHERE task_id`), "tasks WHERE id"].map((from) =>
    db.prepare(`DELETE FROM ${from} = ?`),
  );
  for (const [id, why] of reasons) {
    const [row] = known.all([id]);
    const task = row && taskTable.row(taskTable.textOf(row), layouts);
    const which = task ? ` of namespace ${task.namespace}, ${task.state}` : "";
    for (const removal of removals) removal.run([id]);
    yield `Task ${nameOf([id])}${which}, is gone: ${why}`;
  }
}

/** Of Tasks whose dead letters are lost no row says any more that they have one; otherwise they stay as they are. */
export function* forgetDeadLetters(db: Driver): Generator<string> {
  const layouts = new Layouts();
  const letter = db.prepare(`SELECT 1 FROM ${deadLetterTable.name} WHERE task_id = ?`);
  // Written anew: an update would take another revision.
  const remove = db.prepare("DELETE FROM tasks WHERE id = ?");
  const insert = db.prepare(taskTable.insert);
  const tasks = { name: taskTable.name, order: ["rowid"], selected: taskTable.sealed("") };
  for (const [, row] of scan(db, tasks)) {
    const task = taskTable.row(taskTable.textOf(row), layouts);
    if (!task.hasDeadLetter || letter.all([task.id]).length > 0) continue;
    remove.run([task.id]);
    insert.run(taskTable.sealInserted(taskTable.insertValues({ ...task, hasDeadLetter: false })));
    yield `the dead letter of Task ${nameOf([task.id])} is gone, with what was written in it: its row is damaged; look into the Task itself`;
  }
}

/** Creates the lanes again from the Steps that wait in them: the key of a lane contains all of its fields. */
export function makeLanes(db: Driver): void {
  const insert = db.prepare(`INSERT INTO ${lanes.insert}`);
  for (const [cell] of db
    .prepare(`SELECT DISTINCT ${bytesOf("lane")} FROM steps WHERE state = 'enqueued'`)
    .all([])) {
    const lane = laneOfKey(textIn(cell));
    if (lane) insert.run(lanes.seal(laneValues(lane)));
  }
}
