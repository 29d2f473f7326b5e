import { Conflict, type RowRef, rowsMoved } from "#domain/conflict";
import type { TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import { type Revisioned, rowKind, rowKindNames, textKindNames } from "#domain/row-kinds";
import type { TaskRow } from "#domain/task/task";
import { templateKey } from "#domain/template/template";
import { NEVER } from "#domain/time/time";
import type { Commit, ResultCopy } from "#ports/store-turns";
import { keyOf, type MemoryTables, storedById, storedOf } from "./reads.js";

/**
 * Checks everything that can refuse a commit, before anything is written.
 *
 * @throws {Conflict}
 * @throws {InvariantViolation} if it would change what never changes
 */
export function check(tables: MemoryTables, turn: Commit): void {
  checkRows(tables, turn);
  checkKeys(tables, turn);
  checkTemplates(tables, turn);
  checkCopies(tables, turn);
}

function checkCopies({ tasks }: MemoryTables, { copies = [] }: Commit): void {
  const isThere = ({ from }: ResultCopy) => tasks.get(from.taskId)?.texts.outputs.has(from.stepName);
  if (!copies.every(isThere)) throw new Conflict("a result to copy is gone; load it again");
}

function checkRows(tables: MemoryTables, turn: Commit): void {
  const { tasks } = tables;
  const created = new Set(turn.tasks.map(({ id }) => id));
  const isKnown = (id: TaskId) => created.has(id) || tasks.has(id);
  const known = (id: TaskId) => invariant(isKnown(id), `no task ${id}`);
  const moved: (RowRef & { readonly found: number })[] = [];
  // A row that has moved may well have ended, or be gone: that it has moved is what the other process is told.
  let violation: string | undefined;
  const expect = (ref: RowRef, stored: Revisioned | undefined) => {
    const found = stored?.revision ?? 0;
    if (found !== ref.revision) moved.push({ ...ref, found });
  };

  for (const kind of rowKindNames) {
    const { noun, idOf, taskOf, endOf } = rowKind(kind);
    for (const row of turn[kind]) {
      const id = idOf(row);
      const stored = storedOf(tables, kind, row);
      if (taskOf && !isKnown(taskOf(row))) violation ??= `no task ${taskOf(row)}`;
      expect({ kind, id, revision: turn.imports ? 0 : row.revision - 1 }, stored);
      const end = stored && endOf?.(stored);
      if (end !== undefined && end !== endOf?.(row)) violation ??= `${noun} ${id} is ${end} for ever`;
    }
  }
  for (const ref of turn.read ?? []) expect(ref, storedById(tables, ref));
  if (moved.length > 0) throw rowsMoved(moved);
  invariant(violation === undefined, violation ?? "");
  for (const name of textKindNames) for (const { taskId } of turn[name]) known(taskId);
  for (const { taskId } of turn.log) known(taskId);
  for (const { taskId, at } of turn.deadlines) if (at !== NEVER) known(taskId);
}

/** Checks idempotency keys. A Task may release a key that another one takes in the same commit. */
function checkKeys({ taskOfKey }: MemoryTables, turn: Commit): void {
  const released = new Set(turn.tasks.filter((task) => ownedKey(task) === undefined).map(({ id }) => id));
  const taken = new Map<string, TaskId>();
  for (const task of turn.tasks) {
    const key = ownedKey(task);
    if (key === undefined) continue;
    const owner = taken.get(key) ?? taskOfKey.get(key);
    taken.set(key, task.id);
    if (owner === undefined || owner === task.id || released.has(owner)) continue;
    const { namespace, spec } = task;
    throw new Conflict(
      `idempotency key ${spec.idempotencyKey} of namespace ${namespace} is taken; load it again`,
    );
  }
}

function checkTemplates({ templates }: MemoryTables, turn: Commit): void {
  const added = new Set<string>();
  for (const row of turn.templates) {
    const key = templateKey(row);
    if (added.has(key) || templates.get(row)) throw new Conflict(`template ${key} is there; load it again`);
    added.add(key);
  }
}

/** The idempotency key that the Task owns, as one string; undefined if it owns none. */
export function ownedKey({ namespace, ownsKey, spec: { idempotencyKey } }: TaskRow): string | undefined {
  return ownsKey && idempotencyKey !== "" ? keyOf(namespace, idempotencyKey) : undefined;
}
