import { auditGraph } from "#domain/task/audit";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { bytesOf, type Driver, textIn } from "../driver.js";
import { Layouts, layoutRows } from "../rows/layouts.js";
import { deadLetterTable, log, stepTable, taskTable } from "../rows/rows.js";
import { scan, scannedTables } from "./scan.js";

/** A row that could not be copied, and the Task it belonged to, if that is known. */
export interface Lost {
  readonly table: string;
  readonly key: string;
  readonly taskId: string | undefined;
}

/** The names of all tables whose rows belong to Tasks; without the table of Tasks itself. */
export const ofTasks = scannedTables.filter((table) => table.ofTasks).map(({ name }) => name);

/**
 * Returns the Tasks that are incomplete, each with the first reason found. Live parents and children of an incomplete
 * Task are included, since they cannot continue without it.
 */
export function incomplete(db: Driver, lost: readonly Lost[]): Map<string, string> {
  const reasons = new Map<string, string>();
  const add = (taskId: string, why: string) => reasons.has(taskId) || reasons.set(taskId, why);
  for (const { table, key, taskId } of lost) {
    // A dead letter only tells of its Task, which has all its parts without it.
    if (taskId !== undefined && table !== deadLetterTable.name)
      add(taskId, `row ${key} of table ${table} is damaged`);
  }
  for (const table of ofTasks) {
    const query = `SELECT DISTINCT ${bytesOf("task_id")} FROM ${table} WHERE task_id NOT IN (SELECT id FROM tasks)`;
    for (const [id] of db.prepare(query).all([]))
      add(textIn(id), "its row of table tasks is damaged or missing");
  }
  const gaps = `SELECT DISTINCT ${bytesOf("task_id")} FROM log AS l WHERE first_seq <> coalesce((SELECT p.first_seq + p.count
    FROM log AS p WHERE p.task_id = l.task_id AND p.first_seq < l.first_seq ORDER BY p.first_seq DESC LIMIT 1), 1)`;
  for (const [id] of db.prepare(gaps).all([])) add(textIn(id), `lines of table ${log.name} are missing`);
  for (const { taskId, what } of missingParts(db)) add(taskId, what);

  const links = stepsWithChild(db);
  const ended = db.prepare("SELECT 1 FROM tasks WHERE id = ? AND finished_at > 0");
  const isLive = (id: string) => ended.all([id]).length === 0;
  for (let before = -1; before !== reasons.size; ) {
    before = reasons.size;
    for (const { taskId, childId } of links) {
      if (reasons.has(childId) && isLive(taskId)) add(taskId, `it is the parent of Task ${childId}`);
      if (reasons.has(taskId) && isLive(childId)) add(childId, `it is a Step of Task ${taskId}`);
    }
  }
  return reasons;
}

/** The Steps that are executed as a child Task, including Steps whose own Task is lost. */
function stepsWithChild(db: Driver): StepRow[] {
  const layouts = new Layouts(layoutRows(db));
  const found: StepRow[] = [];
  for (const [, row] of scan(db, { name: "steps", order: ["rowid"], selected: stepTable.sealed("") })) {
    const step = stepTable.row(stepTable.textOf(row), layouts);
    if (step.childId !== "") found.push(step);
  }
  return found;
}

export interface MissingPart {
  readonly taskId: string;
  /** What is missing, as a sentence without the full stop. */
  readonly what: string;
}

/**
 * Yields the parts of Tasks that are missing although every row present is sound. A missing Step is detected by the
 * Steps it depends on and by the counts of its Task; a missing Run, child Task, input or output by its Step. Missing
 * whole Tasks, deadlines, and last lines of a log cannot be detected.
 */
export function* missingParts(db: Driver): Generator<MissingPart> {
  const steps = db.prepare(
    `SELECT ${stepTable.sealed("s.")} FROM steps AS s WHERE s.task_id = ? ORDER BY s.position`,
  );
  const isThere = partsOf(db);
  const layouts = new Layouts(layoutRows(db));
  for (const [, row] of scan(db, { name: "tasks", order: ["rowid"], selected: taskTable.sealed("") })) {
    const task = taskTable.row(taskTable.textOf(row), layouts);
    const family: StepRow[] = steps
      .all([task.id])
      .map((step) => stepTable.row(stepTable.textOf(step), layouts));
    const missing = [
      ...auditGraph(family, [task]).map((finding) => `some of its Steps are missing: ${finding}`),
      ...(hasInput(task) && !isThere.input(task.id) ? ["its input is missing"] : []),
      ...family.flatMap((step) => missingOfStep(step, isThere)),
    ];
    for (const what of missing) yield { taskId: task.id, what };
  }
}

/** False for an empty object too: an input without members may not be stored. */
function hasInput({ inputBytes }: TaskRow): boolean {
  return inputBytes !== null && inputBytes > "{}".length;
}

function missingOfStep(step: StepRow, isThere: ReturnType<typeof partsOf>): string[] {
  const { taskId, name, state, runId, childId } = step;
  const awaitsChild = childId !== "" && state === "in_progress";
  return [
    ...(runId !== "" && !isThere.run(runId) ? [`Run ${runId} of its Step ${name} is missing`] : []),
    ...(awaitsChild && !isThere.task(childId) ? [`Task ${childId}, its Step ${name}, is missing`] : []),
    ...(step.hasInput && !isThere.stepInput(taskId, name)
      ? [`the input of its Step ${name} is missing`]
      : []),
    ...(step.outputBytes > 0 && !isThere.output(taskId, name)
      ? [`the output of its Step ${name} is missing`]
      : []),
  ];
}

function partsOf(db: Driver) {
  const asked = (from: string) => {
    const statement = db.prepare(`SELECT 1 FROM ${from} LIMIT 1`);
    return (...key: string[]) => statement.all(key).length > 0;
  };
  return {
    task: asked("tasks WHERE id = ?"),
    run: asked("runs WHERE id = ?"),
    input: asked("inputs WHERE task_id = ?"),
    stepInput: asked("step_inputs WHERE task_id = ? AND step_name = ?"),
    output: asked("outputs WHERE task_id = ? AND step_name = ?"),
  };
}
