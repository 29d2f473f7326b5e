import { LOCAL_CALLER } from "#domain/caller";
import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import { isWait, type KeptRecord, keptRecord, NO_JOURNAL, recordBytes } from "#domain/task/journal";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { addUsage, NO_USAGE } from "#domain/task/usage";
import { BrokenPromise, type Mirror } from "../mirror.js";
import type { SimWorld } from "../sim-world.js";
import { effectKey, programOf } from "./program.js";
import { payloadOf, WHOLE_JOURNAL } from "./sim-agent.js";

/** What is durable of one Step's journal, and who had its Runs. */
interface Found {
  readonly world: SimWorld;
  readonly row: StepRow;
  readonly key: StepKey;
  readonly records: readonly KeptRecord[];
  /** True if a worker that may say anything about what is its own has had a Run of the Step. */
  readonly wasEvil: boolean;
  /** True if a worker that knows nothing of journals has completed it. */
  readonly isPlain: boolean;
}

/**
 * Checks what is durable of all journals against what agents did, and what they have used against what is summed.
 *
 * @param plain Runs of workers that know nothing of journals
 */
export async function checkJournals(world: SimWorld, plain: ReadonlySet<RunId>): Promise<void> {
  const { mirror, durable } = world;
  for (const row of mirror.steps.values()) {
    const key = { taskId: row.taskId, stepName: row.name };
    const records = (await durable.reads.journal(key, 0, WHOLE_JOURNAL)).map(keptRecord);
    const runs = [...mirror.runs.values()].filter((run) => stepKey(run) === stepKey(key));
    const wasEvil = runs.some(({ id }) => mirror.evil.has(id));
    const isPlain = runs.some(({ id, status }) => status === "COMPLETED" && plain.has(id));
    const found = { world, row, key, records, wasEvil, isPlain };
    checkRecords(found);
    checkRow(found);
    checkLog(found);
    checkWriters(found, runs);
    checkEffects(found);
    broke(!row.waits, key, "still waits for something");
  }
  checkUsage(world);
}

/** Gapless, and no entry goes on after what it came to. */
function checkRecords({ key, records }: Found): void {
  const last = new Map<number, KeptRecord>();
  for (const [index, record] of records.entries()) {
    const { entry, seq, state } = record;
    const before = last.get(entry);
    broke(seq === index, key, `has record ${seq} at ${index}`);
    broke(before || entry === last.size + 1, key, `goes from entry ${last.size} to ${entry}`);
    const isOver = before?.state === "COMPLETED" || before?.state === "FAILED";
    broke(!isOver, key, `has ${state} of entry ${entry} after its end`);
    const begins = state === "BEGUN";
    broke(
      !before || begins === (before.state === "NOT_DONE"),
      key,
      `has ${before?.state}, ${state} of ${entry}`,
    );
    broke(before || begins || record.effect !== "ONCE", key, `has ${state} of ${entry}, which has not begun`);
    last.set(entry, record);
  }
}

/** What the Step's row says of its journal is what the records come to. */
function checkRow({ row: { journal = NO_JOURNAL }, key, records }: Found): void {
  const last = new Map(records.map((record) => [record.entry, record.state]));
  const standing = (state: string) => [...last].flatMap(([entry, each]) => (each === state ? [entry] : []));
  const counted = {
    records: records.length,
    entries: last.size,
    open: standing("BEGUN"),
    notDone: standing("NOT_DONE"),
  };
  const open = journal.open.map(({ entry }) => entry).sort((a, b) => a - b);
  const notDone = [...journal.notDone].sort((a, b) => a - b);
  const said = { records: journal.records, entries: journal.entries, open, notDone };
  broke(JSON.stringify(said) === JSON.stringify(counted), key, `says ${JSON.stringify(said)}`);
  const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
  broke(journal.bytes >= bytes, key, `says that it has ${journal.bytes} bytes of ${bytes}`);
}

/** Each record was told once, in its place. */
function checkLog({ world, key, records }: Found): void {
  const log = world.mirror.logs.get(key.taskId) ?? [];
  const told = log.flatMap((line) =>
    line.type === "journal" && line.stepName === key.stepName
      ? [`${line.record.seq} ${line.record.state}`]
      : [],
  );
  const kept = records.map(({ seq, state }) => `${seq} ${state}`);
  broke(told.join() === kept.join(), key, `is told as ${told.join()}`);
}

/** A record of an honest worker's Run is what that worker has written; one of no Run is the end of a wait, or a person's word. */
function checkWriters({ world, key, records }: Found, runs: readonly RunRow[]): void {
  const { mirror, outside } = world;
  const refused = runs.filter(({ id, reason }) => reason === "REPORT_INVALID" && !mirror.evil.has(id));
  broke(refused.length === 0, key, `was refused to an honest worker: ${refused[0]?.errorMessage}`);
  for (const { at: _, runId, childId, until, ...record } of records) {
    if (runId === undefined) {
      const isSomebodys = isWait(record) || record.actor === LOCAL_CALLER.principal;
      broke(isSomebodys && record.state !== "BEGUN", key, `has record ${record.seq} of nobody`);
      continue;
    }
    broke(
      runs.some(({ id }) => id === runId),
      key,
      `has record ${record.seq} of the foreign run ${runId}`,
    );
    if (mirror.evil.has(runId)) continue;
    const written = outside.writtenAt(runId, record.seq);
    const isSame = written !== undefined && sameRecord(written, record);
    broke(isSame, key, `has at ${record.seq} what the worker of ${runId} has not written`);
  }
}

/** The input of a child is kept with the child. */
function sameRecord(written: string, record: Omit<KeptRecord, "at">): boolean {
  const { wait, ...rest } = JSON.parse(written) as KeptRecord;
  const { wait: kept, ...keptRest } = record;
  const isWaitSame = wait?.duration === kept?.duration && wait?.otherwise === kept?.otherwise;
  return isWaitSame && canonical(rest) === canonical(keptRest);
}

function canonical(value: object): string {
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What must happen once has; what an agent has waited for is what came. */
function checkEffects({ world, row, key, records, wasEvil, isPlain }: Found): void {
  const ops = programOf(world, key) ?? [];
  const last = new Map(records.map((record) => [record.entry, record]));
  const isComplete = row.state === "complete" && !isPlain && last.size > 0;
  const notDone = (entry: number) =>
    records.filter((each) => each.entry === entry && each.state === "NOT_DONE").length;
  for (const { entry, named, wait } of ops) {
    const times = world.outside.timesOf(effectKey(key, entry));
    const most = wasEvil ? 1 + notDone(entry) : 1;
    broke(times <= most, key, `has done entry ${entry} ${times} times`);
    if (wasEvil) continue;
    const { state, result = "" } = last.get(entry) ?? {};
    if (isComplete && named.effect === "ONCE")
      broke(
        times === 1 && state === "COMPLETED",
        key,
        `is complete, and entry ${entry} is ${state} ${times} times`,
      );
    if (isComplete)
      broke(state === "COMPLETED" || state === "FAILED", key, `is complete, and entry ${entry} is ${state}`);
    if (state !== "COMPLETED" || named.kind !== "SIGNAL") continue;
    const mayLapse = wait?.otherwise === result;
    broke(mayLapse || result === payloadOf(entry), key, `has heard ${result} as entry ${entry}`);
  }
}

/** What a Task has used is what the Runs have, of it and of all Tasks that belong to it, each once however it does. */
function checkUsage({ mirror }: SimWorld): void {
  for (const { id, usage = NO_USAGE } of mirror.tasks.values()) {
    const family = familyOf(id, mirror);
    const runs = [...mirror.runs.values()].filter(({ taskId }) => family.has(taskId));
    const sum = runs.reduce((all, run) => addUsage(all, run.usage ?? NO_USAGE), NO_USAGE);
    if (JSON.stringify(sum) === JSON.stringify(usage)) continue;
    const told = `task ${id} has used ${JSON.stringify(usage)}, its runs ${JSON.stringify(sum)}`;
    throw new BrokenPromise(told);
  }
}

/** The Task, and all below it: its Steps' children, what compensates it, and what belongs to these. */
function familyOf(id: TaskId, { tasks }: Mirror): ReadonlySet<TaskId> {
  const family = new Set([id]);
  for (const above of family) {
    for (const { id: each, spec } of tasks.values())
      if (spec.parent?.taskId === above || spec.compensates === above) family.add(each);
  }
  return family;
}

function broke(kept: unknown, key: StepKey, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(`the journal of ${stepKey(key)} ${what}`);
}
